//! The change feed: what has changed since a reader looked last, for live views and for programs
//! that follow deliveries.

use std::{collections::HashSet, sync::Arc};

use crate::{DeliveryId, Record};

/// The number of changes that a store keeps. A reader who is further behind is told that it has
/// missed some: at 100 changes a second this is a quarter of an hour, in about 2 MB.
pub const MAX_FEED_LENGTH: i64 = 100_000;

/// Which changes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedQuery {
    /// Changes after this cursor. `None` asks for no changes, only where the feed ends now.
    pub after: Option<i64>,
    /// The maximum number of changes that are looked at.
    pub limit: u32,
}

/// Changes, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// The changes. What has changed several times is in a page once, at its last change.
    pub entries: Vec<FeedEntry>,
    /// The cursor for the next query. It survives the end of the process if the store does.
    pub cursor: i64,
    /// Whether the feed does not have all changes after the cursor: they are too long ago, or it
    /// is the cursor of another store. The reader has to look at everything again.
    pub has_gap: bool,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its number, which grows with every change: a cursor that asks for what came after it.
    pub number: i64,
    /// What has changed.
    pub change: FeedChange,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedChange {
    /// A delivery was accepted, or its state, its reason, its time, its attempts or its proof
    /// changed. A claim by itself is no change. The record is as it is now.
    Delivery(Box<Record>),
    /// The acknowledgement of this incident was given, replaced or ended.
    Acknowledgement(String),
}

/// Where a query begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) after: i64,
    pub(crate) has_gap: bool,
}

/// Decides where a query begins to read, by the earliest change that is kept and the number of
/// the last.
pub(crate) fn begin(query: FeedQuery, first: Option<i64>, last: i64) -> Reading {
    let Some(after) = query.after else {
        let has_gap = false;
        return Reading {
            after: last,
            has_gap,
        };
    };
    let before_first = first.map_or(last, |first| first.saturating_sub(1));
    match (before_first..=last).contains(&after) {
        true => Reading {
            after,
            has_gap: false,
        },
        false => Reading {
            after: last,
            has_gap: true,
        },
    }
}

/// What a change is about, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum About {
    Delivery(DeliveryId),
    Incident(Arc<str>),
}

impl Reading {
    /// Returns the page of the changes that were found, each thing at its last change. `record`
    /// returns the record of a delivery, unless it was deleted since.
    pub(crate) fn page<E>(
        self,
        found: Vec<(i64, About)>,
        mut record: impl FnMut(DeliveryId) -> Result<Option<Record>, E>,
    ) -> Result<FeedPage, E> {
        let mut page = FeedPage {
            entries: Vec::new(),
            cursor: found.last().map_or(self.after, |(number, _)| *number),
            has_gap: self.has_gap,
        };
        for (number, about) in compact(found) {
            let change = match about {
                About::Incident(incident) => {
                    Some(FeedChange::Acknowledgement(incident.to_string()))
                }
                About::Delivery(id) => record(id)?.map(Box::new).map(FeedChange::Delivery),
            };
            let entry = change.map(|change| FeedEntry { number, change });
            page.entries.extend(entry);
        }
        Ok(page)
    }
}

/// Keeps the last change of each thing.
fn compact(changes: Vec<(i64, About)>) -> Vec<(i64, About)> {
    let mut seen = HashSet::with_capacity(changes.len());
    let mut last: Vec<(i64, About)> = changes.into_iter().rev().collect();
    last.retain(|(_, about)| seen.insert(about.clone()));
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_the_feed_does_not_reach_back_to_has_a_gap() {
        let at = |after, first, last| {
            let reading = begin(FeedQuery { after, limit: 1 }, first, last);
            (reading.after, reading.has_gap)
        };
        assert_eq!(at(None, Some(3), 9), (9, false));
        assert_eq!(at(Some(2), Some(3), 9), (2, false));
        assert_eq!(at(Some(9), Some(3), 9), (9, false));
        assert_eq!(at(Some(1), Some(3), 9), (9, true));
        assert_eq!(at(Some(10), Some(3), 9), (9, true));
        assert_eq!(at(Some(0), None, 0), (0, false));
        assert_eq!(at(Some(0), None, 9), (9, true));
        assert_eq!(at(Some(-1), Some(1), 9), (9, true));
    }

    #[test]
    fn what_changed_several_times_is_kept_at_its_last_change() {
        let about = |name: &str| About::Incident(name.into());
        let changes = vec![(1, about("a")), (2, about("b")), (3, about("a"))];
        assert_eq!(compact(changes), [(2, about("b")), (3, about("a"))]);
    }
}
