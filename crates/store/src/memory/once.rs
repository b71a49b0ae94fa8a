//! What is told once within a time.

use std::{collections::HashMap, sync::Arc};

use super::Memory;
use crate::{delivery::DeliveryId, intake::Once};

/// What was accepted a short time ago, by channel, incident and fingerprint:
/// which delivery it is, and until when it counts.
#[derive(Debug, Default)]
pub(super) struct Recent(HashMap<(Arc<str>, String, u64), (DeliveryId, i64)>);

impl Recent {
    pub(super) fn note(
        &mut self,
        channel: &Arc<str>,
        incident: &str,
        once: &Once,
        delivery: DeliveryId,
    ) {
        let key = (Arc::clone(channel), incident.to_owned(), once.fingerprint);
        self.0.insert(key, (delivery, once.until_ms));
    }

    /// The incident is over: what comes next of it is news.
    pub(super) fn forget(&mut self, channel: &str, incident: &str) {
        self.0
            .retain(|(on, of, _), _| &**on != channel || of != incident);
    }

    /// Drops what has run out.
    pub(super) fn prune(&mut self, now_ms: i64) {
        self.0.retain(|_, (_, until_ms)| *until_ms >= now_ms);
    }
}

impl Memory {
    /// Whether the same is on its way, or may have arrived.
    pub(super) fn is_known(
        &self,
        channel: &Arc<str>,
        incident: &str,
        once: &Once,
        now_ms: i64,
    ) -> bool {
        let key = (Arc::clone(channel), incident.to_owned(), once.fingerprint);
        let known = self.recent.0.get(&key);
        let valid = known.filter(|(_, until_ms)| *until_ms > now_ms);
        let held = valid.and_then(|(delivery, _)| self.shelf.delivery(*delivery));
        held.is_some_and(|held| !held.state.has_ended() || held.state.may_have_arrived())
    }
}
