//! The server's directory: users, channels, hooks and the bot.

use std::collections::BTreeMap;

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
pub(super) struct User {
    pub(super) id: String,
    pub(super) is_bot: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) channel: String,
    pub(super) locked: bool,
    pub(super) creator_exists: bool,
    pub(super) creator_id: String,
}

/// A team with its users, channels, hooks and bot.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) team: String,
    pub(super) team_id: String,
    pub(super) bot_token: String,
    pub(super) bot_id: String,
    /// By name, without the bot itself.
    pub(super) users: BTreeMap<String, User>,
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
            users: BTreeMap::new(),
            channels: BTreeMap::new(),
            hooks: BTreeMap::new(),
        };
        directory.add_user("alice", false);
        directory.add_user("bob", false);
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

    pub(super) fn add_user(&mut self, name: &str, is_bot: bool) {
        let id = new_id();
        self.users.insert(name.to_owned(), User { id, is_bot });
    }

    pub(super) fn add_hook(&mut self, id: &str, channel: &str) {
        let hook = Hook {
            channel: channel.to_owned(),
            locked: false,
            creator_exists: true,
            creator_id: new_id(),
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
