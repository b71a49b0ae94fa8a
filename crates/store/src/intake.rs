//! What is accepted: a notification, and an intent for each of its channels.

use std::sync::Arc;

use super::{
    delivery::{DeliveryId, State},
    settle::Superseded,
};
use crate::{Kind, Proof, Severity};

/// A notification with its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// Names the notification; unique.
    pub notification: String,
    /// The same text for the same intent, however often it is submitted.
    pub key: Option<String>,
    /// The host that it is about; empty for none.
    pub host: String,
    /// What belongs together: a problem, its reminders, its recovery. Empty
    /// for none.
    pub incident: String,
    /// Deliveries of one lane are sent to a channel in the order of their
    /// acceptance. Empty for none.
    pub lane: String,
    /// Where in its incident it stands.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// When it is accepted.
    pub accepted_ms: i64,
    /// All that is needed to deliver it, in a form of the caller's.
    pub content: Arc<str>,
    /// One for each channel.
    pub intents: Vec<Intent>,
}

impl Intake {
    /// Whether it tells the end of a problem.
    pub(crate) fn ends_a_problem(&self) -> bool {
        self.kind == Kind::Recovery && !self.incident.is_empty()
    }
}

/// What is to happen on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The channel.
    pub channel: Arc<str>,
    /// When it is too late.
    pub expires_ms: Option<i64>,
    /// What happens first.
    pub begin: Begin,
    /// Where it is one of several steps, of which one may be enough.
    pub step: Option<Step>,
    /// Where the same is to be told once within a time.
    pub dedup: Option<DedupWindow>,
}

/// A step of a group of channels that are tried one after the other. When a
/// step has reached what is wanted, the others that wait are superseded; when
/// all that have begun ended undelivered, the next begins at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The group; a notification may have several.
    pub group: Arc<str>,
    /// Which step of it: 1 for the first. Intents stand in this order.
    pub number: u32,
    /// The proof that is enough.
    pub until: Proof,
}

/// What is told once within a time: what has the same fingerprint on the same
/// channel, in the same incident, ends suppressed as long as what was accepted
/// before it is on its way or may have arrived. The end of a problem ends the
/// time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DedupWindow {
    /// The same for what is the same.
    pub fingerprint: u64,
    /// Until when.
    pub until_ms: i64,
    /// The rule that keeps back what comes within the time.
    pub rule: String,
}

/// What happens first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// It waits until somebody claims it, from this time on.
    At(i64),
    /// Whoever accepts it tries it at once, and holds it until then. Where
    /// something of its lane is under way, or it ends a problem, it waits: what
    /// becomes of others decides whether it is sent.
    Claimed {
        /// Until when the claim holds.
        lease_until_ms: i64,
    },
    /// It ends here: a rule keeps it back, which is named.
    Suppressed {
        /// The rule.
        rule: String,
        /// What tells of it later, where something does.
        digest: Option<Digest>,
    },
}

impl Begin {
    /// Whether the caller's rule keeps it back.
    pub(crate) fn is_suppressed(&self) -> bool {
        matches!(self, Self::Suppressed { .. })
    }
}

/// One message in place of what a rule keeps back. It is accepted together with
/// the first of what it tells of; what is kept back until it is due is told by
/// it too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// On one channel, the same for what goes into one message.
    pub batch_key: String,
    /// Names its notification, where it becomes one; unique.
    pub notification: String,
    /// All that is needed to deliver it, but for what it tells of.
    pub content: Arc<str>,
    /// When it is told.
    pub due_ms: i64,
    /// When it is too late.
    pub expires_ms: Option<i64>,
}

/// What became of an intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Names the notification: the one that was accepted first, where the key
    /// was known.
    pub notification: String,
    /// Whether it was accepted before.
    pub repeated: bool,
    /// Its deliveries, in the order of the intents.
    pub deliveries: Vec<AcceptedDelivery>,
    /// Deliveries of earlier notifications that it superseded.
    pub superseded: Vec<Superseded>,
}

/// A delivery as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedDelivery {
    /// Which.
    pub delivery: DeliveryId,
    /// The channel.
    pub channel: Arc<str>,
    /// What became of it; in flight where the caller holds it.
    pub state: State,
    /// Why it ended, where a rule or another delivery decided that; else empty.
    pub why: String,
    /// To be shown when it is settled.
    pub fence: i64,
    /// Where it is one of several steps, as it was when it was accepted.
    pub step: Option<Step>,
    /// What proves so far that it arrived.
    pub proof: Option<Proof>,
}
