//! Any JSON or form: the whole payload is one item without content, which is for the file's
//! expressions to fill, or to take apart.

use super::items::{Item, Payload};
use crate::{error::IngestError, event::Event, payload, request::Request};

pub(super) fn read(request: &Request<'_>) -> Result<Payload, IngestError> {
    let json = payload::json_or_form(request)?;
    let item = Item {
        index: 0,
        json: json.clone(),
        event: Event::empty(),
    };
    let mut payload = Payload::new(json);
    payload.items.push(item);
    Ok(payload)
}
