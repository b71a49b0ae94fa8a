//! Changes that rules return, and that a store applies as they are.

use std::sync::Arc;

use super::incident::Incident;
use crate::{DeliveryId, Superseded};

/// A change of one pending delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The delivery ends in [`State::Superseded`](crate::State::Superseded), now and for this
    /// reason. The store reports it to its caller, so that nobody goes on waiting for it.
    Supersede(Superseded),
    /// The delivery is due at another time, earlier or later than before.
    Reschedule {
        /// The delivery.
        delivery: DeliveryId,
        /// When it may first be claimed, in milliseconds since the Unix epoch; this may be in the
        /// past.
        due_ms: i64,
    },
}

impl Change {
    /// Returns one change for each of these deliveries, which end for the same reason.
    pub(super) fn supersede(
        deliveries: impl IntoIterator<Item = DeliveryId>,
        why: &str,
    ) -> Vec<Self> {
        let why: Arc<str> = why.into();
        let end = |delivery| {
            Self::Supersede(Superseded {
                delivery,
                why: Arc::clone(&why),
            })
        };
        deliveries.into_iter().map(end).collect()
    }

    /// Returns one change for each of these deliveries, which are due at the same time.
    pub(super) fn reschedule(
        deliveries: impl IntoIterator<Item = DeliveryId>,
        due_ms: i64,
    ) -> impl Iterator<Item = Self> {
        deliveries
            .into_iter()
            .map(move |delivery| Self::Reschedule { delivery, due_ms })
    }
}

/// A change of the stored incident of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentChange {
    /// The incident stays as it is.
    Keep,
    /// The incident is added, or replaced by this one.
    Set(Incident),
    /// The incident is deleted: none of its problems is known any more.
    Forget,
}

impl IncidentChange {
    /// Returns the change that leads from one to the other; `Keep` if they are equal.
    pub(super) fn between(known: Option<Incident>, now: Option<Incident>) -> Self {
        match now {
            _ if known == now => Self::Keep,
            Some(incident) => Self::Set(incident),
            None => Self::Forget,
        }
    }

    /// Returns the incident after the change, given the one before it.
    #[must_use]
    pub fn applied_to(self, known: Option<Incident>) -> Option<Incident> {
        match self {
            Self::Keep => known,
            Self::Set(incident) => Some(incident),
            Self::Forget => None,
        }
    }
}
