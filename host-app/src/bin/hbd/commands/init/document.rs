//! The first configuration as text.

use std::{net::SocketAddr, path::PathBuf};

use serde_json::Value as Json;

use super::questions::{Settings, Value};
use crate::arguments::ChannelKind;

/// The prefixes of values that stand elsewhere, which are the keys of references.
const REFERENCES: [&str; 3] = ["env", "file", "credential"];

/// What the configuration has.
#[derive(Debug)]
pub(super) struct Document {
    /// The type of the channel, which is also its name.
    pub(super) kind: ChannelKind,
    /// Its settings.
    pub(super) settings: Settings,
    /// The address of the page.
    pub(super) listen: SocketAddr,
    /// The folder of the state and the control socket.
    pub(super) state_folder: PathBuf,
}

impl Document {
    /// Returns the path of the state file.
    pub(super) fn state_file(&self) -> PathBuf {
        self.state_folder.join("heartbeat.sqlite")
    }

    /// Returns whether the text has secrets, or values of which nobody knows.
    pub(super) fn has_secrets(&self) -> bool {
        self.settings.iter().any(|(_, value, question)| {
            let may_be = question.is_none_or(|question| question.value == Value::Secret);
            may_be && reference(value).is_none()
        })
    }

    /// Returns the text.
    pub(super) fn text(&self) -> String {
        let name = self.kind.name();
        let settings = self.settings.iter().map(|(key, value, question)| {
            let is_list = question.is_some_and(|question| question.value == Value::List);
            format!("    {key}: {}\n", written(value, is_list))
        });
        let settings: String = settings.collect();
        let path = |path: PathBuf| Json::from(path.to_string_lossy()).to_string();
        format!(
            "# The heartbeat monitor's configuration: `hbd check` checks it, `hbd run` uses it, and
# `hbd schema` prints a JSON Schema of it for your editor.

# How people are notified.
notification_channels:
  {name}:
    type: {name}
{settings}
# For hosts without channels of their own.
default_notification_channels: [{name}]

monitor:
  # What survives a restart, and the socket of commands such as `hbd status`.
  state: {}
  control: {}

# The page, for browsers that log in with a token (`hbd token add NAME --scope act`).
web:
  listen: {}

# The machines to watch, by the names that they send, and jobs that ping.
#hosts:
#  web-01: {{watch: true}}
",
            path(self.state_file()),
            path(self.state_folder.join("heartbeat.sock")),
            self.listen,
        )
    }
}

/// Returns the reference that a value names, as its key and the place.
fn reference(value: &str) -> Option<(&str, &str)> {
    let (key, place) = value.split_once(':')?;
    (REFERENCES.contains(&key) && !place.is_empty()).then_some((key, place))
}

/// Returns a value in YAML. A JSON string is one of YAML.
fn written(value: &str, is_list: bool) -> String {
    if let Some((key, place)) = reference(value) {
        return format!("{{{key}: {}}}", Json::from(place));
    }
    if is_list {
        let items = value.split(',').map(str::trim);
        let items = items.filter(|item| !item.is_empty());
        return Json::from_iter(items).to_string();
    }
    // Numbers and switches must not be texts, and texts may look like these.
    let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_plain && !value.is_empty() {
        true => value.to_owned(),
        false => Json::from(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_file_has_them() {
        for (value, is_list, expected) in [
            ("587", false, "587"),
            ("ops@example.org", false, "\"ops@example.org\""),
            ("a: [b", false, "\"a: [b\""),
            ("a@x, b@x,", true, "[\"a@x\",\"b@x\"]"),
            ("env:SMTP_PASSWORD", false, "{env: \"SMTP_PASSWORD\"}"),
            ("https://example.org", false, "\"https://example.org\""),
            ("+12025551234", false, "\"+12025551234\""),
            ("a\nb\"", false, "\"a\\nb\\\"\""),
        ] {
            assert_eq!(written(value, is_list), expected);
        }
    }
}
