//! The accounts: who may send to whom, and the month's remaining quota.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::Answer;

use super::{DEVICES, TOKEN, USER};

/// The free quota of a month: <https://pushover.net/api#limits>.
const FREE_QUOTA: u64 = 10_000;

/// Midnight, 1 January 2100: a reset time in the future of every test.
const FAR_RESET: u64 = 4_102_444_800;

/// The sounds that every account has: <https://pushover.net/api#sounds>.
pub(super) const SOUNDS: [(&str, &str); 23] = [
    ("pushover", "Pushover (default)"),
    ("bike", "Bike"),
    ("bugle", "Bugle"),
    ("cashregister", "Cash Register"),
    ("classical", "Classical"),
    ("cosmic", "Cosmic"),
    ("falling", "Falling"),
    ("gamelan", "Gamelan"),
    ("incoming", "Incoming"),
    ("intermission", "Intermission"),
    ("magic", "Magic"),
    ("mechanical", "Mechanical"),
    ("pianobar", "Piano Bar"),
    ("siren", "Siren"),
    ("spacealarm", "Space Alarm"),
    ("tugboat", "Tug Boat"),
    ("alien", "Alien Alarm (long)"),
    ("climb", "Climb (long)"),
    ("persistent", "Persistent (long)"),
    ("echo", "Pushover Echo (long)"),
    ("updown", "Up Down (long)"),
    ("vibrate", "Vibrate Only"),
    ("none", "None (silent)"),
];

/// The contents of the three `X-Limit-App-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Messages per month.
    pub limit: u64,
    /// Messages left.
    pub remaining: u64,
    /// When the month ends, in Unix seconds.
    pub reset: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            limit: FREE_QUOTA,
            remaining: FREE_QUOTA,
            reset: FAR_RESET,
        }
    }
}

impl Quota {
    pub(super) fn stamp(self, answer: Answer) -> Answer {
        answer
            .header("X-Limit-App-Limit", self.limit)
            .header("X-Limit-App-Remaining", self.remaining)
            .header("X-Limit-App-Reset", self.reset)
    }
}

/// A user or a group of the service.
#[derive(Debug, Clone)]
pub(super) struct Recipient {
    pub(super) group: bool,
    pub(super) devices: Vec<String>,
}

/// The accounts of the service.
#[derive(Debug)]
pub(super) struct Accounts {
    pub(super) tokens: BTreeSet<String>,
    pub(super) recipients: BTreeMap<String, Recipient>,
    pub(super) sounds: BTreeMap<String, String>,
    pub(super) quota: Quota,
    /// The key that the recipients have entered in the app.
    pub(super) encryption_key: Option<[u8; 32]>,
}

impl Default for Accounts {
    fn default() -> Self {
        let known = Recipient {
            group: false,
            devices: DEVICES.map(str::to_owned).to_vec(),
        };
        Self {
            tokens: BTreeSet::from([TOKEN.to_owned()]),
            recipients: BTreeMap::from([(USER.to_owned(), known)]),
            sounds: SOUNDS
                .iter()
                .map(|(key, name)| ((*key).to_owned(), (*name).to_owned()))
                .collect(),
            quota: Quota::default(),
            encryption_key: None,
        }
    }
}

impl Accounts {
    /// Returns whether a text contains any token or user key.
    pub(super) fn leaked_in(&self, text: &str) -> bool {
        let mut secrets = self.tokens.iter().chain(self.recipients.keys());
        secrets.any(|secret| text.contains(secret.as_str()))
    }
}
