//! What other processes make of deliveries for which somebody waits here: a store
//! that is shared is delivered from by whoever looks first.

use std::{convert::Infallible, time::Duration};

use super::{outbox::Outbox, report::ChannelReport, waiting::Progress};
use crate::store::{Accepted, Placed, Query};

/// How often somebody who waits looks what others have done. Each look reads a row by
/// its number, and a person does not notice a second.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

impl Outbox {
    /// Tells those who wait here of what has ended in another process; never ends
    /// itself. Where the store is not shared, there is nothing to look for.
    pub(super) async fn watch_others(&self, accepted: &Accepted) -> Infallible {
        if !self.store.is_shared() {
            return std::future::pending().await;
        }
        loop {
            self.clock.sleep(POLL_INTERVAL).await;
            for placed in &accepted.deliveries {
                // What is held here is told of with all that is known of it.
                if self.holding.holds(placed.delivery) || self.waiting.has_ended(placed.delivery) {
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
                let ended = Placed {
                    state: record.state,
                    why: record.why,
                    ..placed.clone()
                };
                self.waiting
                    .ended_elsewhere(placed.delivery, |channel_type| {
                        let report =
                            ChannelReport::elsewhere(channel_type, &ended, record.attempts);
                        Progress::of(report, true)
                    });
            }
        }
    }
}
