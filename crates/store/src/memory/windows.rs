//! The open deduplication windows.

use std::{collections::HashMap, sync::Arc};

use super::stored::OnChannel;
use crate::{DedupWindow, DeliveryId};

/// The windows, by channel and incident, then by fingerprint: the delivery that opened the
/// window, and when it closes.
#[derive(Debug, Default)]
pub(super) struct Windows(HashMap<OnChannel, HashMap<u64, (DeliveryId, i64)>>);

impl Windows {
    pub(super) fn open(
        &mut self,
        channel: &Arc<str>,
        incident: &str,
        window: &DedupWindow,
        by: DeliveryId,
    ) {
        let of_incident = self.0.entry((Arc::clone(channel), incident.into()));
        let opened = (by, window.until_ms);
        of_incident.or_default().insert(window.fingerprint, opened);
    }

    /// Returns the delivery that opened a window, and when that closes; it may be closed.
    pub(super) fn opened(
        &self,
        channel: &Arc<str>,
        incident: &str,
        window: &DedupWindow,
    ) -> Option<(DeliveryId, i64)> {
        let of_incident = self.0.get(&(Arc::clone(channel), incident.into()))?;
        of_incident.get(&window.fingerprint).copied()
    }

    /// Closes the windows of an incident.
    pub(super) fn close(&mut self, channel: &Arc<str>, incident: &str) {
        self.0.remove(&(Arc::clone(channel), incident.into()));
    }

    /// Removes closed windows.
    pub(super) fn prune(&mut self, now_ms: i64) {
        self.0.retain(|_, of_incident| {
            of_incident.retain(|_, (_, until_ms)| *until_ms >= now_ms);
            !of_incident.is_empty()
        });
    }
}
