//! The formats that are shipped: what each program sends, as events.
//!
//! A format reads a payload into items, each with the event that it is by default. It knows
//! nothing of the file's expressions, which override single fields afterwards.

mod alert;
mod alertmanager;
mod apprise;
mod cloudevents;
mod grafana;
mod items;
mod prometheus;
mod template;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use items::{Payload, REPEAT_INTERVAL};

pub(crate) use items::{By, Item};

use crate::{
    error::{IngestError, Reason},
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
    /// The Apprise API: `POST /notify/KEY`. Its client takes no other status than 200 for a
    /// success.
    Apprise,
    /// Any JSON or form, by expressions alone.
    Template,
}

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

/// Returns whether this may be a key of the Apprise API: 1 to 128 letters, digits, `_` and
/// `-` (<https://github.com/caronc/apprise/blob/master/apprise/plugins/apprise_api.py>).
fn is_key(part: &str) -> bool {
    let is_known = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-');
    (1..=128).contains(&part.len()) && part.chars().all(is_known)
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
