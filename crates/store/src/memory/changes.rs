//! The change feed.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use crate::{
    DeliveryId, FeedPage, FeedQuery, MAX_FEED_LENGTH, Record,
    feed::{self, About},
};

/// The last changes, the earliest first. Their numbers have no gaps.
#[derive(Debug, Default)]
pub(super) struct Changes {
    kept: VecDeque<About>,
    last: i64,
}

impl Changes {
    /// Records that a delivery was added or has changed.
    pub(super) fn delivery(&mut self, id: DeliveryId) {
        self.push(About::Delivery(id));
    }

    /// Records that the acknowledgement of an incident was set or removed.
    pub(super) fn acknowledgement(&mut self, incident: Arc<str>) {
        self.push(About::Incident(incident));
    }

    fn push(&mut self, about: About) {
        self.last += 1;
        self.kept.push_back(about);
        if self.kept.len() as i64 > MAX_FEED_LENGTH {
            self.kept.pop_front();
        }
    }

    /// Returns what has changed since a cursor. `record` returns the record of a delivery, unless
    /// it was deleted since.
    pub(super) fn page(
        &self,
        query: FeedQuery,
        record: impl Fn(DeliveryId) -> Option<Record>,
    ) -> FeedPage {
        let first = self.last - self.kept.len() as i64 + 1;
        let reading = feed::begin(query, (first <= self.last).then_some(first), self.last);
        let skipped = usize::try_from(reading.after + 1 - first).unwrap_or_default();
        let numbered = (reading.after + 1..).zip(self.kept.iter().skip(skipped).cloned());
        let found = numbered.take(query.limit as usize).collect();
        match reading.page(found, |id| Ok::<_, Infallible>(record(id))) {
            Ok(page) => page,
            Err(never) => match never {},
        }
    }
}
