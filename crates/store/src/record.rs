//! What a store knows of deliveries, for those who ask.

use serde::{Deserialize, Serialize};

use super::delivery::{DeliveryId, State};
use crate::{MessageText, Proof, Severity};

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub began_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// What came of it, target by target, as JSON.
    pub outcome: String,
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// This one.
    pub delivery: Option<DeliveryId>,
    /// In one of these states; none for all.
    pub states: Vec<State>,
    /// Of notifications about this host.
    pub host: Option<String>,
    /// To this channel.
    pub channel: Option<String>,
    /// Kept back, and told of by this one.
    pub digest: Option<DeliveryId>,
    /// Accepted at this time or later.
    pub since_ms: Option<i64>,
    /// Older than this one: the next page.
    pub before: Option<DeliveryId>,
    /// At most so many.
    pub most: u32,
}

/// What is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prune {
    /// Now.
    pub now_ms: i64,
    /// What was accepted before this.
    pub accepted_before_ms: i64,
    /// What is older than so many notifications that came after it.
    pub beyond: u64,
    /// At most so many notifications.
    pub most: u32,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Which.
    pub delivery: DeliveryId,
    /// Names its notification.
    pub notification: String,
    /// The channel.
    pub channel: String,
    /// The host that it is about; empty for none.
    pub host: String,
    /// What it belongs to; empty for nothing.
    pub incident: String,
    /// How bad it is.
    pub severity: Severity,
    /// What became of it.
    pub state: State,
    /// Why, where a rule or a person decided that.
    pub why: String,
    /// When it was accepted.
    pub accepted_ms: i64,
    /// When it is tried next, where it waits.
    pub due_ms: Option<i64>,
    /// When it is too late.
    pub expires_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it was tried again because its holder was gone.
    pub reclaims: u32,
    /// The most that was proven of it: that the remote took it, that it reached
    /// the device, or that a person has said so.
    pub proof: Option<Proof>,
    /// The group of which it is a step.
    pub group: Option<String>,
    /// Which step of it; 0 for none.
    pub step: u32,
    /// What tells of it, where a rule kept it back until later.
    pub digest: Option<DeliveryId>,
    /// Whether it tells of a problem that has ended since, by what its channel
    /// was accepted to be told.
    #[serde(skip)]
    pub is_over: bool,
    /// The notification, as it was accepted.
    #[serde(skip)]
    pub content: String,
}

impl Record {
    /// What the notification says; `None` when its content is none of an
    /// engine's.
    #[must_use]
    pub fn wording(&self) -> Option<MessageText> {
        MessageText::of(&self.content)
    }
}

impl Query {
    /// Whether a delivery is one of those that are asked for.
    pub(crate) fn asks_for(&self, record: &Record) -> bool {
        let is = |request: &Option<String>, is: &str| request.as_deref().is_none_or(|it| it == is);
        self.delivery.is_none_or(|id| id == record.delivery)
            && (self.states.is_empty() || self.states.contains(&record.state))
            && is(&self.host, &record.host)
            && is(&self.channel, &record.channel)
            && self.digest.is_none_or(|id| Some(id) == record.digest)
            && self
                .since_ms
                .is_none_or(|since| since <= record.accepted_ms)
    }
}
