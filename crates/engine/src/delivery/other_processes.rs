//! Follows deliveries that other processes carry out while a caller waits here: each process
//! that shares a store claims what is due.

use std::{convert::Infallible, time::Duration};

use annunciator_store::{Accepted, AcceptedDelivery, Query};

use super::{outbox::Outbox, report::ChannelReport, waiters::Progress};

/// The first interval between two polls of the store: a person does not notice a second.
/// It doubles with each poll, up to [`MAX_POLL_INTERVAL`], since a poll reads the whole
/// record.
const FIRST_POLL: Duration = Duration::from_secs(1);
/// See [`FIRST_POLL`].
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(8);

impl Outbox {
    /// Polls the store for deliveries that have ended in another process and notifies their
    /// waiters. Never returns. Polls nothing where the store is not shared.
    pub(super) async fn watch_other_processes(&self, accepted: &Accepted) -> Infallible {
        if !self.store.is_shared() {
            return std::future::pending().await;
        }
        let mut interval = FIRST_POLL;
        loop {
            self.clock.sleep(interval).await;
            interval = (interval * 2).min(MAX_POLL_INTERVAL);
            for placed in &accepted.deliveries {
                // The tasks of this process report more than the store has.
                let is_handled_here = || {
                    self.in_flight.contains(placed.delivery)
                        || self.waiters.has_ended(placed.delivery)
                };
                if is_handled_here() {
                    continue;
                }
                let query = Query {
                    delivery: Some(placed.delivery),
                    most: 1,
                    ..Query::default()
                };
                // Those who write to a store report that it fails.
                let found = self.store.deliveries(query).await.unwrap_or_default();
                let Some(record) = found.into_iter().find(|record| record.state.has_ended()) else {
                    continue;
                };
                // It may have been claimed here while the store was asked.
                if is_handled_here() {
                    continue;
                }
                let ended = AcceptedDelivery {
                    state: record.state,
                    why: record.why,
                    proof: record.proof,
                    ..placed.clone()
                };
                self.waiters
                    .ended_in_other_process(placed.delivery, |channel_type| {
                        let report = ChannelReport::from_other_process(
                            channel_type,
                            &ended,
                            record.attempts,
                        );
                        Progress::of(report, true)
                    });
            }
        }
    }
}
