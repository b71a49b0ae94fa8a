//! The settings of a mattermost channel.

use annunciator_sdk::{Secret, logins};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::style::{Colors, Mentions, MessagePriority, Priorities, Scheme};

fn yes() -> bool {
    true
}

/// The settings of a mattermost channel: with `token` it posts by an incoming
/// webhook, with `bot_token` and `team` as a bot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server: its name, name:port, or address.
    pub host: String,
    /// https or http. Default: that of host, else https.
    pub scheme: Option<Scheme>,
    /// Token of the incoming webhook: what stands behind /hooks/ in its address.
    pub token: Option<Secret<String>>,
    /// Name of the channel as in its address, such as town-square, or @user.
    pub channel: String,
    /// Name to post under, when the server allows it.
    pub username: Option<String>,
    /// Address of the picture to post with, when the server allows it.
    pub icon: Option<String>,
    /// Name of an emoji in place of the picture.
    pub icon_emoji: Option<String>,
    /// Whether names with an at sign in a text notify people. Default:
    /// neutralise.
    #[serde(default)]
    pub mentions: Mentions,
    /// Whether a message has a bar in the colour of its severity. Default: true.
    #[serde(default = "yes")]
    pub attachment: bool,
    /// The colours by severity.
    #[serde(default)]
    pub colors: Colors,
    /// Whether the notification's attributes are shown as fields. Default: true.
    #[serde(default = "yes")]
    pub fields: bool,
    /// Small text below each message.
    pub footer: Option<String>,
    /// Whether the side panel shows all that is known about a message. Default:
    /// false.
    #[serde(default)]
    pub card: bool,
    /// Mark of every message: standard, important or urgent.
    pub priority: Option<MessagePriority>,
    /// Mark by severity.
    pub priorities: Option<Priorities>,
    /// Whether a marked message asks for an acknowledgement.
    #[serde(default)]
    pub requested_ack: bool,
    /// Whether an urgent message notifies again and again.
    #[serde(default)]
    pub persistent_notifications: bool,
    /// Type of the post, for plugins of the server; only with a webhook.
    pub post_type: Option<String>,
    /// Access token of a bot, in place of a webhook's token.
    pub bot_token: Option<Secret<String>>,
    /// Name of the team as in its address, for a bot.
    pub team: Option<String>,
    /// Whether a bot's messages of one incident form a thread. Default: true.
    #[serde(default = "yes")]
    pub thread: bool,
    /// File of PEM certificates to trust besides the system's.
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub ca_file: Option<String>,
}

impl Config {
    /// The login in the address of its picture, which a server may repeat; one in
    /// `host` is refused.
    pub(crate) fn logins(&self) -> Vec<String> {
        self.icon.as_deref().map_or_else(Vec::new, logins)
    }
}
