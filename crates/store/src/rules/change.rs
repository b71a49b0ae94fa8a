//! What rules answer: changes that a store applies as they are.

use std::sync::Arc;

use super::incident::Incident;
use crate::{DeliveryId, Superseded};

/// A change of one pending delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It ends in [`State::Superseded`](crate::State::Superseded), now and for this
    /// reason. The store answers it to its caller, so that nobody goes on waiting for it.
    Supersede(Superseded),
    /// It is due at another time, sooner or later than before.
    Reschedule {
        /// Which.
        delivery: DeliveryId,
        /// From when on it may be claimed, in milliseconds since the Unix epoch; it may
        /// have passed.
        due_ms: i64,
    },
}

impl Change {
    /// One change for each of these deliveries: they end for the same reason.
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

    /// One change for each of these deliveries: they are due at the same time.
    pub(super) fn reschedule(
        deliveries: impl IntoIterator<Item = DeliveryId>,
        due_ms: i64,
    ) -> impl Iterator<Item = Self> {
        deliveries
            .into_iter()
            .map(move |delivery| Self::Reschedule { delivery, due_ms })
    }
}

/// What becomes of what a store holds of an incident on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentChange {
    /// It stays as it is.
    Keep,
    /// This stands in its place, or is new.
    Set(Incident),
    /// It is deleted: no problem of it is known any more.
    Forget,
}

impl IncidentChange {
    /// A change only where the two differ.
    pub(super) fn between(known: Option<Incident>, now: Option<Incident>) -> Self {
        match now {
            _ if known == now => Self::Keep,
            Some(incident) => Self::Set(incident),
            None => Self::Forget,
        }
    }

    /// What is known after it, of what was known before.
    #[must_use]
    pub fn applied_to(self, known: Option<Incident>) -> Option<Incident> {
        match self {
            Self::Keep => known,
            Self::Set(incident) => Some(incident),
            Self::Forget => None,
        }
    }
}
