//! A post as the server keeps it.

use serde_json::{Map, Value, json};

use super::text;

/// The props that a payload can't set itself.
const RESERVED_PROPS: [&str; 5] = [
    "from_webhook",
    "override_username",
    "override_icon_url",
    "override_icon_emoji",
    "attachments",
];

/// A post that the server has stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// Its id.
    pub id: String,
    /// The id of its channel.
    pub channel_id: String,
    /// The name of its channel; `@name` for a direct message.
    pub channel: String,
    /// Its text.
    pub message: String,
    /// The post that it answers; empty for the root of a thread.
    pub root_id: String,
    /// Empty, or the server's type such as `slack_attachment`.
    pub kind: String,
    /// Attachments, card, overrides.
    pub props: Map<String, Value>,
    /// `priority`, `requested_ack`, `persistent_notifications`.
    pub priority: Option<Value>,
    /// The ids of its files.
    pub file_ids: Vec<String>,
}

impl Post {
    /// The name that is shown in place of the creator's, when the server
    /// allows it.
    pub fn username(&self) -> Option<&str> {
        self.props.get("override_username")?.as_str()
    }

    /// The picture that is shown in place of the creator's, when the server
    /// allows it.
    pub fn icon_url(&self) -> Option<&str> {
        self.props.get("override_icon_url")?.as_str()
    }

    /// The attachments in Slack's form.
    pub fn attachments(&self) -> Vec<Value> {
        let list = self.props.get("attachments").and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    }

    /// The names that notify people, from text and attachments.
    pub fn mentions(&self) -> Vec<String> {
        let mut found = text::mentions(&self.message);
        for attachment in self.attachments() {
            for part in ["pretext", "title", "text"] {
                if let Some(words) = attachment.get(part).and_then(Value::as_str) {
                    found.extend(text::mentions(words));
                }
            }
        }
        found
    }

    /// As the REST API shows it.
    pub(super) fn document(&self) -> Value {
        json!({
            "id": self.id,
            "channel_id": self.channel_id,
            "root_id": self.root_id,
            "message": self.message,
            "type": self.kind,
            "props": self.props,
            "file_ids": self.file_ids,
            "metadata": {"priority": self.priority},
        })
    }
}

/// The props of a payload without those that it can't set.
pub(super) fn permitted(props: Option<&Value>) -> Map<String, Value> {
    let given = props.and_then(Value::as_object).cloned();
    let mut props = given.unwrap_or_default();
    props.retain(|name, _| !RESERVED_PROPS.contains(&name.as_str()));
    props
}
