//! Intakes: a notification to accept, with an intent for each of its channels.

use std::sync::Arc;

use super::{
    delivery::{DeliveryId, State},
    settle::Superseded,
};
use crate::{Kind, Proof, Severity};

/// A notification to accept, with its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// The notification's ID, which is unique.
    pub notification: String,
    /// The idempotency key: the same for every submission of the same notification.
    pub key: Option<String>,
    /// The host that the notification is about; empty for none.
    pub host: String,
    /// The incident, which a problem, its reminders and its recovery have in common; empty for
    /// none.
    pub incident: String,
    /// The lane: a channel is sent the deliveries of one lane in the order of their acceptance.
    /// Empty for none.
    pub lane: String,
    /// The notification's place in its incident.
    pub kind: Kind,
    /// The notification's severity.
    pub severity: Severity,
    /// When it is accepted, in milliseconds since the Unix epoch.
    pub accepted_ms: i64,
    /// All that is needed to deliver it, in a form that the caller chooses.
    pub content: Arc<str>,
    /// One intent for each channel.
    pub intents: Vec<Intent>,
}

impl Intake {
    /// Returns whether the notification reports the end of a problem.
    pub(crate) fn ends_a_problem(&self) -> bool {
        self.kind == Kind::Recovery && !self.incident.is_empty()
    }
}

/// What is to happen to a notification on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The channel's name.
    pub channel: Arc<str>,
    /// When the delivery expires, in milliseconds since the Unix epoch, if it does.
    pub expires_ms: Option<i64>,
    /// How the delivery begins.
    pub begin: Begin,
    /// The step of a group that the delivery is, if it is one.
    pub step: Option<Step>,
    /// The deduplication window, if duplicates are to be suppressed.
    pub dedup: Option<DedupWindow>,
}

/// A step of an escalation group, whose channels are tried one after the other. When a step has
/// reached the proof that is wanted, the pending steps are superseded. When all steps that began
/// have ended undelivered, the next one begins at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The group's name; a notification may have several groups.
    pub group: Arc<str>,
    /// The number of the step, from 1. Intents are in this order.
    pub number: u32,
    /// The proof that suffices.
    pub until: Proof,
}

/// A deduplication window, within which the same is delivered once. A delivery with the same
/// fingerprint on the same channel and in the same incident ends suppressed, as long as the
/// earlier one is on its way or may have arrived. The end of the problem closes the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DedupWindow {
    /// The fingerprint, which duplicates have in common.
    pub fingerprint: u64,
    /// When the window closes, in milliseconds since the Unix epoch.
    pub until_ms: i64,
    /// The name of the rule that suppresses duplicates.
    pub rule: String,
}

/// How a delivery begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Pending, and due at this time, in milliseconds since the Unix epoch.
    At(i64),
    /// In flight, with a claim of the caller, which attempts it at once. It begins pending
    /// instead if an earlier delivery of its lane has not ended, or if it ends a problem, since
    /// the state of other deliveries then decides whether it is sent.
    Claimed {
        /// When the claim runs out, in milliseconds since the Unix epoch.
        lease_until_ms: i64,
    },
    /// Ended, suppressed by a rule.
    Suppressed {
        /// The rule's name.
        rule: String,
        /// The digest that reports the delivery later, if there is one.
        digest: Option<Digest>,
    },
}

impl Begin {
    /// Returns whether the caller's rule suppresses the delivery.
    pub(crate) fn is_suppressed(&self) -> bool {
        matches!(self, Self::Suppressed { .. })
    }
}

/// One message in place of those that a rule suppresses. It is accepted together with the first
/// delivery that it reports, and reports all that are suppressed until it is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The batch key, which deliveries of one digest on one channel have in common.
    pub batch_key: String,
    /// The ID of the digest's notification if a new one is accepted; unique.
    pub notification: String,
    /// All that is needed to deliver the digest, except for what it reports.
    pub content: Arc<str>,
    /// When the digest is due, in milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// When the digest expires, in milliseconds since the Unix epoch, if it does.
    pub expires_ms: Option<i64>,
}

/// The store's answer to an intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The ID of the notification: that of the first one, if its idempotency key was known.
    pub notification: String,
    /// Whether the notification was accepted before.
    pub repeated: bool,
    /// Its deliveries, in the order of the intents.
    pub deliveries: Vec<AcceptedDelivery>,
    /// Deliveries of earlier notifications that this one superseded.
    pub superseded: Vec<Superseded>,
}

/// A delivery as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedDelivery {
    /// The delivery's number.
    pub delivery: DeliveryId,
    /// The channel's name.
    pub channel: Arc<str>,
    /// The delivery's state; in flight if the caller holds it.
    pub state: State,
    /// The reason why it ended, if a rule or another delivery decided it; else empty.
    pub why: String,
    /// The fence of the caller's claim, which its settlement has to show.
    pub fence: i64,
    /// The step of a group that the delivery is, if it is one.
    pub step: Option<Step>,
    /// The highest proof so far.
    pub proof: Option<Proof>,
}
