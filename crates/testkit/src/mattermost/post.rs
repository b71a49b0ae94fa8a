//! A post as the server stores it.

use serde_json::{Map, Value, json};

use super::text;

/// The props that a payload cannot set.
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
    /// The post's ID.
    pub id: String,
    /// The ID of the account that posted it.
    pub user_id: String,
    /// When it was created, in milliseconds since the Unix epoch; no two posts have the same time.
    pub create_at: i64,
    /// The ID of its channel.
    pub channel_id: String,
    /// The name of its channel; `@name` for a direct message.
    pub channel: String,
    /// The text.
    pub message: String,
    /// The ID of the post to which it replies; empty for the root of a thread.
    pub root_id: String,
    /// The server's type, such as `slack_attachment`; empty for none.
    pub kind: String,
    /// Attachments, card, overrides.
    pub props: Map<String, Value>,
    /// `priority`, `requested_ack`, `persistent_notifications`.
    pub priority: Option<Value>,
    /// The IDs of its files.
    pub file_ids: Vec<String>,
    /// The reactions to it, in order.
    pub reactions: Vec<Reaction>,
    /// The acknowledgements by the button that `requested_ack` shows: the ID of the account, and
    /// the time in milliseconds since the Unix epoch.
    pub acknowledgements: Vec<(String, i64)>,
}

/// A reaction to a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The ID of the account that reacted.
    pub user_id: String,
    /// The name of the emoji, without colons.
    pub emoji_name: String,
    /// When it was added, in milliseconds since the Unix epoch.
    pub create_at: i64,
}

impl Reaction {
    /// Returns the form of the REST API.
    pub(super) fn document(&self, post: &str) -> Value {
        json!({
            "user_id": self.user_id,
            "post_id": post,
            "emoji_name": self.emoji_name,
            "create_at": self.create_at,
            "update_at": self.create_at,
            "delete_at": 0,
            "remote_id": "",
            "channel_id": "",
        })
    }
}

impl Post {
    /// Returns the name that is shown in place of the creator's, if the server allows it.
    pub fn username(&self) -> Option<&str> {
        self.props.get("override_username")?.as_str()
    }

    /// Returns the picture that is shown in place of the creator's, if the server allows it.
    pub fn icon_url(&self) -> Option<&str> {
        self.props.get("override_icon_url")?.as_str()
    }

    /// Returns the attachments, in Slack's form.
    pub fn attachments(&self) -> Vec<Value> {
        let list = self.props.get("attachments").and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    }

    /// Returns the names in text and attachments that notify people.
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

    /// Returns the form of the REST API.
    pub(super) fn document(&self) -> Value {
        let pressed = self.acknowledgements.iter();
        let pressed: Vec<Value> = pressed
            .map(|(user, at)| json!({"user_id": user, "post_id": self.id, "acknowledged_at": at}))
            .collect();
        let mut metadata = json!({"priority": self.priority});
        // The server leaves out what is empty.
        if !self.reactions.is_empty() {
            let reactions = self.reactions.iter();
            metadata["reactions"] = reactions.map(|one| one.document(&self.id)).collect();
        }
        if !pressed.is_empty() {
            metadata["acknowledgements"] = Value::Array(pressed);
        }
        json!({
            "id": self.id,
            "create_at": self.create_at,
            "update_at": self.create_at,
            "delete_at": 0,
            "user_id": self.user_id,
            "channel_id": self.channel_id,
            "root_id": self.root_id,
            "message": self.message,
            "type": self.kind,
            "props": self.props,
            "file_ids": self.file_ids,
            "metadata": metadata,
        })
    }
}

/// Returns the props of a payload without those that it cannot set.
pub(super) fn permitted(props: Option<&Value>) -> Map<String, Value> {
    let given = props.and_then(Value::as_object).cloned();
    let mut props = given.unwrap_or_default();
    props.retain(|name, _| !RESERVED_PROPS.contains(&name.as_str()));
    props
}
