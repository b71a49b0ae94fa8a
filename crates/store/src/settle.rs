//! What came of an attempt, and what is to follow.

use std::sync::Arc;

use crate::proof::Proof;

use super::{
    delivery::{DeliveryId, State},
    intake::Digest,
    record::Attempt,
};

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub delivery: DeliveryId,
    /// That of the claim.
    pub fence: i64,
    /// Now.
    pub now_ms: i64,
    /// The attempt, where one was made.
    pub attempt: Option<Attempt>,
    /// Whether that attempt does not count: it was made to see whether the
    /// remote is back.
    pub is_uncounted: bool,
    /// The most that a target of it has proven by this attempt.
    pub proof: Option<Proof>,
    /// Whether any of it may have arrived by this attempt: people may know.
    pub may_have_arrived: bool,
    /// What is to follow.
    pub next: Next,
}

/// What is to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It has ended.
    End {
        /// In which state.
        state: State,
        /// Why, where a rule or a person decided that.
        why: String,
        /// The targets that are left, should a person have it tried again;
        /// empty for all.
        targets: Vec<String>,
    },
    /// It has ended suppressed: a rule keeps it back.
    KeptBack {
        /// The rule.
        rule: String,
        /// What tells of it later, where something does.
        digest: Option<Digest>,
    },
    /// It is tried again.
    Again {
        /// Not before this.
        at_ms: i64,
        /// The targets that are left; empty for all.
        targets: Vec<String>,
    },
}

impl Next {
    /// When something of it is due, where that is known: another attempt, or the
    /// digest that tells of it.
    #[must_use]
    pub fn due_ms(&self) -> Option<i64> {
        match self {
            Self::End { .. } => None,
            Self::KeptBack { digest, .. } => digest.as_ref().map(|digest| digest.due_ms),
            Self::Again { at_ms, .. } => Some(*at_ms),
        }
    }
}

/// A delivery that need not be sent any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// Which.
    pub delivery: DeliveryId,
    /// Why, as its record has it: its problem is over, its channel was not told of the
    /// problem whose end it is, or another step of its group was enough.
    pub why: Arc<str>,
}

/// What a store made of a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is recorded.
    Recorded {
        /// Deliveries that nobody needs to be told any more, since what they
        /// tell of is over: the settled one itself, where it was to be tried
        /// again, and others. Also steps that are not needed any more.
        superseded: Vec<Superseded>,
    },
    /// Somebody else has claimed it since, or it was deleted: nothing was
    /// recorded.
    Stale,
}
