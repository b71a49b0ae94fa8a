//! Settlements: the outcome of a claim, and what follows from it.

use std::sync::Arc;

use crate::proof::Proof;

use super::{
    delivery::{DeliveryId, State},
    intake::Digest,
    record::Attempt,
};

/// The outcome of a claim. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The delivery that was claimed.
    pub delivery: DeliveryId,
    /// The fence of the claim.
    pub fence: i64,
    /// The current time.
    pub now_ms: i64,
    /// The attempt, if one was made.
    pub attempt: Option<Attempt>,
    /// Whether the attempt does not count against the limit of attempts, because it only probed
    /// whether the remote is back.
    pub is_uncounted: bool,
    /// The highest proof that any target gave in this attempt.
    pub proof: Option<Proof>,
    /// Whether any part of the message may have arrived by this attempt, so that people may know
    /// of it.
    pub may_have_arrived: bool,
    /// What happens to the delivery next.
    pub next: Next,
}

/// What happens to a settled delivery next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The delivery has ended.
    End {
        /// The state in which it ended.
        state: State,
        /// The reason, if a rule or a person decided it; else empty.
        why: String,
        /// The targets that remain for a retry that a person requests; empty for all.
        targets: Vec<String>,
    },
    /// The delivery has ended suppressed by a rule.
    Suppressed {
        /// The rule's name.
        rule: String,
        /// The digest that reports the delivery later, if there is one.
        digest: Option<Digest>,
    },
    /// The delivery is tried again.
    Retry {
        /// The earliest time of the next attempt, in milliseconds since the Unix epoch.
        at_ms: i64,
        /// The targets that remain; empty for all.
        targets: Vec<String>,
    },
}

impl Next {
    /// Returns when the delivery's next attempt or its digest is due, if that is known.
    #[must_use]
    pub fn due_ms(&self) -> Option<i64> {
        match self {
            Self::End { .. } => None,
            Self::Suppressed { digest, .. } => digest.as_ref().map(|digest| digest.due_ms),
            Self::Retry { at_ms, .. } => Some(*at_ms),
        }
    }
}

/// A delivery that was superseded, and so is not sent any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The reason, as in its record: its problem is over, its channel was not notified of the
    /// problem whose end it reports, or another step of its group sufficed.
    pub why: Arc<str>,
}

/// The store's answer to a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The settlement is recorded.
    Recorded {
        /// Deliveries that were superseded: those whose problem is over, which may include the
        /// settled delivery if it was to be tried again, and steps that are not needed any more.
        superseded: Vec<Superseded>,
    },
    /// Somebody else has claimed the delivery since, or it was deleted. Nothing was recorded.
    Stale,
}
