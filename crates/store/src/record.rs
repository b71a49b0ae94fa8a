//! Records of deliveries and attempts, and the queries for them.

use serde::{Deserialize, Serialize};

use super::delivery::{DeliveryId, State};
use crate::{MessageText, Proof, Severity};

/// The record of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the attempt began, in milliseconds since the Unix epoch.
    pub began_ms: i64,
    /// When the attempt ended, in milliseconds since the Unix epoch.
    pub ended_ms: i64,
    /// The outcome of each target, as JSON.
    pub outcome: String,
}

/// A query for deliveries. A delivery matches if it meets all conditions that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this delivery.
    pub delivery: Option<DeliveryId>,
    /// Only deliveries in one of these states; empty for all states.
    pub states: Vec<State>,
    /// Only notifications about this host.
    pub host: Option<String>,
    /// Only notifications of this incident.
    pub incident: Option<String>,
    /// Only deliveries to this channel.
    pub channel: Option<String>,
    /// Only suppressed deliveries that this digest reports.
    pub digest: Option<DeliveryId>,
    /// Only deliveries accepted at or after this time, in milliseconds since the Unix epoch.
    pub since_ms: Option<i64>,
    /// Only deliveries older than this one: the cursor of the next page.
    pub before: Option<DeliveryId>,
    /// The maximum number of records.
    pub limit: u32,
}

/// The limits of a pruning. A notification is old if it is beyond either the age or the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prune {
    /// The current time, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Notifications that were accepted before this time are old.
    pub accepted_before_ms: i64,
    /// Notifications after which at least this many were accepted are old, whether those are still
    /// stored or not.
    pub beyond: u64,
    /// The maximum number of notifications to delete in this call.
    pub limit: u32,
}

/// The record of a delivery. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The delivery's number.
    pub delivery: DeliveryId,
    /// The ID of its notification.
    pub notification: String,
    /// The channel's name.
    pub channel: String,
    /// The host that the notification is about; empty for none.
    pub host: String,
    /// The incident that the notification belongs to; empty for none.
    pub incident: String,
    /// The notification's severity.
    pub severity: Severity,
    /// The delivery's state.
    pub state: State,
    /// The reason for the state, if a rule or a person decided it; else empty.
    pub why: String,
    /// When the delivery was accepted.
    pub accepted_ms: i64,
    /// When the next attempt is due, for a pending delivery.
    pub due_ms: Option<i64>,
    /// When the delivery expires, if it does.
    pub expires_ms: Option<i64>,
    /// When the delivery ended, if it has.
    pub ended_ms: Option<i64>,
    /// The number of attempts.
    pub attempts: u32,
    /// How often the delivery was claimed after its holder was gone.
    pub reclaims: u32,
    /// The highest proof of it: the remote accepted it, it reached the device, or a person
    /// acknowledged it.
    pub proof: Option<Proof>,
    /// The group of which the delivery is a step.
    pub group: Option<String>,
    /// The number of the step, from 1; 0 for none.
    pub step: u32,
    /// The digest that reports the delivery, if a rule suppressed it for one.
    pub digest: Option<DeliveryId>,
    /// Whether the problem that it reports has ended since, by the notifications that were
    /// accepted for its channel.
    #[serde(skip)]
    pub is_over: bool,
    /// The notification as it was accepted: see [`StoredContent`](crate::StoredContent).
    #[serde(skip)]
    pub content: String,
}

impl Record {
    /// Returns the notification's text, or `None` if the content was not written by an engine.
    #[must_use]
    pub fn wording(&self) -> Option<MessageText> {
        MessageText::of(&self.content)
    }
}

impl Query {
    /// Asks for one delivery.
    #[must_use]
    pub fn one(delivery: DeliveryId) -> Self {
        Self {
            delivery: Some(delivery),
            limit: 1,
            ..Self::default()
        }
    }

    /// Returns whether a record matches the query.
    pub(crate) fn asks_for(&self, record: &Record) -> bool {
        let is = |request: &Option<String>, is: &str| request.as_deref().is_none_or(|it| it == is);
        self.delivery.is_none_or(|id| id == record.delivery)
            && (self.states.is_empty() || self.states.contains(&record.state))
            && is(&self.host, &record.host)
            && is(&self.incident, &record.incident)
            && is(&self.channel, &record.channel)
            && self.digest.is_none_or(|id| Some(id) == record.digest)
            && self
                .since_ms
                .is_none_or(|since| since <= record.accepted_ms)
    }
}
