//! What all formats have in common: a payload with its items, and what is wrong with them.

use std::time::Duration;

use serde_json::Value as Json;

use crate::{
    error::{IngestError, Reason},
    event::Event,
    limits::MAX_ITEMS,
};

/// How often Alertmanager and Grafana remind by default: `repeat_interval`
/// (<https://prometheus.io/docs/alerting/latest/configuration/#route-related-settings>,
/// <https://grafana.com/docs/grafana/latest/alerting/fundamentals/notifications/group-alert-notifications/>).
pub(super) const REPEAT_INTERVAL: Duration = Duration::from_secs(4 * 3600);

/// What formats need besides the request.
#[derive(Debug)]
pub(crate) struct By {
    /// The time, in milliseconds since the Unix epoch.
    pub(crate) now_ms: i64,
    /// How often a persisting problem is a reminder.
    pub(crate) remind_every: Option<Duration>,
}

/// A payload with its items.
#[derive(Debug)]
pub(crate) struct Payload {
    /// The whole of it, for expressions.
    pub(crate) json: Json,
    /// The items in order, by their indices in the payload.
    pub(crate) items: Vec<Item>,
    /// Events that no item of the payload stands for, and that expressions do not change.
    pub(crate) extra: Vec<Event>,
    /// What is wrong with single items, in order.
    pub(crate) errors: Vec<IngestError>,
    /// How many items there are beyond those that are read.
    pub(crate) left_out: usize,
}

/// One item of a payload.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) index: usize,
    /// As expressions see it.
    pub(crate) json: Json,
    /// What it is by default.
    pub(crate) event: Event,
}

impl Payload {
    pub(super) fn new(json: Json) -> Self {
        Self {
            json,
            items: Vec::new(),
            extra: Vec::new(),
            errors: Vec::new(),
            left_out: 0,
        }
    }

    /// Reads the items of a list up to the limit. `read` adds what is wrong with an item to
    /// the errors, and returns nothing where the item cannot be used.
    pub(super) fn read_all(
        mut self,
        list: Vec<Json>,
        mut read: impl FnMut(&Json, &mut Errors<'_>) -> Option<Event>,
    ) -> Self {
        self.left_out = list.len().saturating_sub(MAX_ITEMS);
        for (index, json) in list.into_iter().take(MAX_ITEMS).enumerate() {
            let mut errors = Errors {
                index,
                list: &mut self.errors,
            };
            if let Some(event) = read(&json, &mut errors) {
                self.items.push(Item { index, json, event });
            }
        }
        self
    }
}

/// What is wrong with the item that is being read.
pub(super) struct Errors<'a> {
    index: usize,
    list: &'a mut Vec<IngestError>,
}

impl Errors<'_> {
    /// Adds that a field of the item is of the wrong type.
    pub(super) fn wrong(&mut self, field: &str, sentence: impl Into<String>) {
        let error = IngestError::sender(Reason::WrongType, sentence);
        self.list.push(error.field(field).item(self.index));
    }
}

/// Takes a field that has to be a list.
pub(super) fn list(json: &Json, field: &str) -> Result<Vec<Json>, IngestError> {
    let Some(list) = json.get(field).and_then(Json::as_array) else {
        let error = IngestError::sender(Reason::WrongType, "a list is missing here");
        return Err(error.field(field));
    };
    Ok(list.clone())
}
