//! The formats that are shipped: what each program sends, as events.
//!
//! A format reads a payload into items, each with the event that it is by default. It knows
//! nothing of the file's expressions, which override single fields afterwards.

mod alert;
mod alertmanager;
mod apprise;
mod cloudevents;
mod grafana;
mod prometheus;
mod template;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    error::{IngestError, Reason},
    event::Event,
    limits::MAX_ITEMS,
    request::Request,
};

/// What a sender's payload looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Alertmanager's webhook, version 4.
    Alertmanager,
    /// What Prometheus sends to an Alertmanager: `POST /api/v2/alerts`.
    Prometheus,
    /// The webhook of a Grafana contact point.
    Grafana,
    /// CloudEvents 1.0 over HTTP: binary, structured and batched.
    Cloudevents,
    /// The Apprise API: `POST /notify/KEY`.
    Apprise,
    /// Any JSON or form, by expressions alone.
    Template,
}

/// Why reminders of a persisting problem count as new only after a while: see
/// [`Format::remind_every`].
const REPEAT_INTERVAL: Duration = Duration::from_secs(4 * 3600);

impl Format {
    /// Returns how often a problem that is sent again and again counts as a reminder, unless
    /// the file says otherwise, or `None` if never.
    ///
    /// Alertmanager and Grafana send a whole group again whenever one of its alerts changes,
    /// after `group_interval`, and to remind, after `repeat_interval`, and nothing in the
    /// payload tells one from the other. With one key for the whole time that an alert fires,
    /// reminders would be lost as duplicates; with a key for each request, every change of
    /// a group would notify people of all of its alerts. So the key changes as often as
    /// both programs remind by default, which is every 4 h
    /// (<https://prometheus.io/docs/alerting/latest/configuration/#route>).
    ///
    /// Prometheus itself sends every firing alert again each minute, and never to remind.
    #[must_use]
    pub fn remind_every(self) -> Option<Duration> {
        match self {
            Self::Alertmanager | Self::Grafana => Some(REPEAT_INTERVAL),
            Self::Prometheus | Self::Cloudevents | Self::Apprise | Self::Template => None,
        }
    }

    /// Returns whether the format has a use for reminders.
    pub(crate) fn has_reminders(self) -> bool {
        matches!(self, Self::Alertmanager | Self::Grafana | Self::Prometheus)
    }

    /// Returns whether a path behind the source's name belongs to the format. It has neither
    /// a leading nor a trailing slash.
    #[must_use]
    pub fn has_path(self, path: &str) -> bool {
        let mut parts = path.split('/');
        match self {
            // A Prometheus adds this to the `path_prefix` of its configuration.
            // https://prometheus.io/docs/prometheus/latest/configuration/configuration/#alertmanager_config
            Self::Prometheus => path.is_empty() || path == "api/v2/alerts",
            // https://github.com/caronc/apprise-api#api-details
            Self::Apprise => {
                path.is_empty()
                    || parts.next() == Some("notify")
                        && parts.next().is_none_or(is_key)
                        && parts.next().is_none()
            }
            _ => path.is_empty(),
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// What makes the whole request unusable.
    pub(crate) fn read(self, request: &Request<'_>, by: &By) -> Result<Payload, IngestError> {
        if !self.has_path(request.path) {
            let sentence = format!(
                "there is no path {} here",
                crate::limits::quoted(request.path)
            );
            return Err(IngestError::sender(Reason::WrongPath, sentence));
        }
        match self {
            Self::Alertmanager => alertmanager::read(request, by),
            Self::Prometheus => prometheus::read(request, by),
            Self::Grafana => grafana::read(request, by),
            Self::Cloudevents => cloudevents::read(request),
            Self::Apprise => apprise::read(request),
            Self::Template => template::read(request),
        }
    }
}

/// Returns whether this may be a key of the Apprise API: 1 to 64 letters, digits, `_` and
/// `-`.
fn is_key(part: &str) -> bool {
    let is_known = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-');
    (1..=64).contains(&part.len()) && part.chars().all(is_known)
}

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
    fn new(json: Json) -> Self {
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
    fn read_all(
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
struct Errors<'a> {
    index: usize,
    list: &'a mut Vec<IngestError>,
}

impl Errors<'_> {
    /// Adds that a field of the item is of the wrong type.
    fn wrong(&mut self, field: &str, sentence: impl Into<String>) {
        let error = IngestError::sender(Reason::WrongType, sentence);
        self.list.push(error.field(field).item(self.index));
    }
}

/// Takes a field that has to be a list.
fn list(json: &Json, field: &str) -> Result<Vec<Json>, IngestError> {
    let Some(list) = json.get(field).and_then(Json::as_array) else {
        let error = IngestError::sender(Reason::WrongType, "a list is missing here");
        return Err(error.field(field));
    };
    Ok(list.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_the_paths_that_its_senders_use() {
        for (format, path, is_there) in [
            (Format::Alertmanager, "", true),
            (Format::Alertmanager, "api/v2/alerts", false),
            (Format::Prometheus, "api/v2/alerts", true),
            (Format::Prometheus, "api/v1/alerts", false),
            (Format::Apprise, "", true),
            (Format::Apprise, "notify", true),
            (Format::Apprise, "notify/my_key-1", true),
            (Format::Apprise, "notify/a b", false),
            (Format::Apprise, "notify/key/more", false),
            (Format::Apprise, "add/key", false),
            (Format::Template, "x", false),
        ] {
            assert_eq!(format.has_path(path), is_there, "{format:?} {path}");
        }
    }
}
