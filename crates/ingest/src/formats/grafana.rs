//! The webhook of a Grafana contact point: Alertmanager's groups, and Grafana's own fields.
//!
//! The shape: <https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>.

use super::{
    alertmanager::read_groups,
    items::{By, Payload},
};
use crate::{error::IngestError, request::Request, word};

/// The fields with addresses, and the names of their attributes. The first that is set is
/// the link unless the rule's own address is.
const LINKS: [(&str, &str); 4] = [
    ("panelURL", "panel_url"),
    ("dashboardURL", "dashboard_url"),
    ("silenceURL", "silence_url"),
    ("imageURL", "image_url"),
];
/// Labels by which Grafana keeps its own books, which say nothing to people.
const INTERNAL: &str = "__";

pub(super) fn read(request: &Request<'_>, by: &By) -> Result<Payload, IngestError> {
    let mut payload = read_groups(request, by, |alert, event| {
        event
            .attributes
            .retain(|(name, _)| !name.starts_with(INTERNAL));
        for (field, name) in LINKS {
            let Some(link) = alert.field(field).and_then(|url| word::link(&url)) else {
                continue;
            };
            if event.url.is_none() && field != "silenceURL" {
                event.url = Some(link);
            } else {
                event.add(name, link);
            }
        }
        if let Some(values) = alert.field("valueString") {
            event.add("values", values);
        }
    })?;
    let organisation = payload.json.get("orgId").and_then(word::text);
    if let Some(organisation) = organisation {
        let items = payload.items.iter_mut().map(|item| &mut item.event);
        items
            .chain(&mut payload.extra)
            .for_each(|event| event.add("org_id", organisation.as_str()));
    }
    Ok(payload)
}
