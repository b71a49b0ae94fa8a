//! The settings of a mattermost channel.

use annunciator_sdk::{Secret, logins};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::style::{Colors, Mentions, MessagePriority, Priorities, Scheme};

fn yes() -> bool {
    true
}

/// The settings of a mattermost channel. With `token` it posts by an incoming webhook, with
/// `bot_token` and `team` as a bot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server: its name, name:port, or its address, with a path if it has one.
    pub host: String,
    /// The scheme of the server's address: https or http. Default: that of host, or else https.
    pub scheme: Option<Scheme>,
    /// The token of the incoming webhook: the part of its address after /hooks/. Default: none;
    /// required unless bot_token is set.
    pub token: Option<Secret<String>>,
    /// The name of the channel as in its address, such as town-square. A webhook can also write to
    /// @user.
    pub channel: String,
    /// The name to post under, if the server allows it. Default: that of the webhook.
    pub username: Option<String>,
    /// The address of the picture to post with, if the server allows it. Default: the webhook's
    /// picture.
    pub icon: Option<String>,
    /// The name of an emoji to post with instead of a picture; not together with icon. Default:
    /// none.
    pub icon_emoji: Option<String>,
    /// What happens to names with an at sign in a text: allow lets them notify people, neutralise
    /// prevents that. Default: neutralise.
    #[serde(default)]
    pub mentions: Mentions,
    /// Whether a bar in the colour of the severity is shown beside the text. Default: true.
    #[serde(default = "yes")]
    pub attachment: bool,
    /// The colours of the bar by severity, as "#rrggbb". Default: blue, amber, red and green.
    #[serde(default)]
    pub colors: Colors,
    /// Whether the notification's attributes are shown as fields beside the bar. Default: true.
    #[serde(default = "yes")]
    pub fields: bool,
    /// A small text below each message. Default: none.
    pub footer: Option<String>,
    /// Whether the side panel shows all that is known about a message. Default: false.
    #[serde(default)]
    pub card: bool,
    /// The priority of every message: standard, important or urgent. Default: standard.
    pub priority: Option<MessagePriority>,
    /// The priorities by severity; not together with priority. Default: standard.
    pub priorities: Option<Priorities>,
    /// Whether an important or urgent message asks for an acknowledgement. Default: false.
    #[serde(default)]
    pub requested_ack: bool,
    /// Whether an urgent message notifies people repeatedly. Default: false.
    #[serde(default)]
    pub persistent_notifications: bool,
    /// The type of the post, for plugins of the server; only with a webhook. Default: none.
    pub post_type: Option<String>,
    /// The access token of a bot, instead of a webhook's token. Default: none; required unless
    /// token is set.
    pub bot_token: Option<Secret<String>>,
    /// The name of the team as in its address. Default: none; required with bot_token.
    pub team: Option<String>,
    /// Whether a bot's messages of one incident form a thread. Default: true.
    #[serde(default = "yes")]
    pub thread: bool,
    /// Whether people acknowledge a bot's message by a reaction or a reply; only with bot_token.
    /// Default: true for a bot.
    pub acknowledge: Option<bool>,
    /// The reactions that acknowledge a message, by the names of their emojis. Default:
    /// white_check_mark, heavy_check_mark, ballot_box_with_check, ok_hand, +1, thumbsup, eyes.
    pub acknowledge_reactions: Option<Vec<String>>,
    /// The words that acknowledge a message when a reply begins with one of them, in any case.
    /// Default: ack, acknowledged, taken, mine, on it.
    pub acknowledge_words: Option<Vec<String>>,
    /// The path of a PEM file with certificates to trust besides the system's. Default: none.
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub ca_file: Option<String>,
}

impl Config {
    /// Returns whether people can acknowledge a message, which only a bot sees.
    pub(crate) fn acknowledges(&self) -> bool {
        self.bot_token.is_some() && self.acknowledge.unwrap_or(true)
    }

    /// Returns the login in the address of the picture, which the server may repeat in its answers.
    /// The validation refuses a login in `host`.
    pub(crate) fn logins(&self) -> Vec<String> {
        self.icon.as_deref().map_or_else(Vec::new, logins)
    }
}
