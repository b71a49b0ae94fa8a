//! What other processes make of deliveries for which somebody waits here: a store
//! that is shared is delivered from by whoever looks first.

use std::{convert::Infallible, time::Duration};

use annunciator_store::{Accepted, AcceptedDelivery, Query};

use super::{outbox::Outbox, report::ChannelReport, waiters::Progress};

/// How long somebody who waits goes without a look at what others have done: a person
/// does not notice a second. Each look doubles the next pause, up to the longest, since
/// a look reads the whole record.
const FIRST_POLL: Duration = Duration::from_secs(1);
/// See [`FIRST_POLL`].
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(8);

impl Outbox {
    /// Tells those who wait here of what has ended in another process; never ends
    /// itself. Where the store is not shared, there is nothing to look for.
    pub(super) async fn watch_other_processes(&self, accepted: &Accepted) -> Infallible {
        if !self.store.is_shared() {
            return std::future::pending().await;
        }
        let mut interval = FIRST_POLL;
        loop {
            self.clock.sleep(interval).await;
            interval = (interval * 2).min(MAX_POLL_INTERVAL);
            for placed in &accepted.deliveries {
                // What is held here is told of with all that is known of it.
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
                // A store that is in trouble is told of by those who write to it.
                let found = self.store.deliveries(query).await.unwrap_or_default();
                let Some(record) = found.into_iter().find(|record| record.state.has_ended()) else {
                    continue;
                };
                // It was perhaps claimed here while the store was asked.
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
