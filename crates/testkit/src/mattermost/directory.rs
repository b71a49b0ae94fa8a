//! The server's directory: users, channels, hooks and the bot.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{BOT_TOKEN, CHANNEL, HOOK, TEAM};

/// The length of the server's IDs.
const ID_LENGTH: usize = 26;

/// Returns a new ID in the server's form.
pub(super) fn new_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(ID_LENGTH);
    id
}

/// Returns whether a text has the form of an ID.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) private: bool,
    /// Whether the hook's creator and the bot may read and post.
    pub(super) joined: bool,
    pub(super) archived: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) channel: String,
    pub(super) locked: bool,
    pub(super) creator_exists: bool,
}

/// A team with its users, channels, hooks and bot.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) team: String,
    pub(super) team_id: String,
    pub(super) bot_token: String,
    pub(super) bot_id: String,
    pub(super) users: BTreeSet<String>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) hooks: BTreeMap<String, Hook>,
}

impl Default for Directory {
    fn default() -> Self {
        let mut directory = Self {
            team: TEAM.to_owned(),
            team_id: new_id(),
            bot_token: BOT_TOKEN.to_owned(),
            bot_id: new_id(),
            users: BTreeSet::from(["alice".to_owned(), "bob".to_owned()]),
            channels: BTreeMap::new(),
            hooks: BTreeMap::new(),
        };
        directory.add_channel(CHANNEL, false, true);
        directory.add_hook(HOOK, CHANNEL);
        directory
    }
}

impl Directory {
    pub(super) fn add_channel(&mut self, name: &str, private: bool, joined: bool) {
        let channel = Channel {
            id: new_id(),
            name: name.to_owned(),
            private,
            joined,
            archived: false,
        };
        self.channels.insert(name.to_owned(), channel);
    }

    pub(super) fn add_hook(&mut self, id: &str, channel: &str) {
        let hook = Hook {
            channel: channel.to_owned(),
            locked: false,
            creator_exists: true,
        };
        self.hooks.insert(id.to_owned(), hook);
    }

    pub(super) fn channel_by_id(&self, id: &str) -> Option<&Channel> {
        self.channels.values().find(|channel| channel.id == id)
    }

    /// Returns whether a text contains the bot's token.
    pub(super) fn leaked_in(&self, text: &str) -> bool {
        text.contains(self.bot_token.as_str())
    }
}
