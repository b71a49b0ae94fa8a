//! The change feed: what differs from what was there when somebody last asked.

use std::collections::BTreeMap;

use annunciator_store::{
    Acknowledgement, DeliveryId, FeedChange, FeedEntry, FeedPage, FeedQuery, Record, State,
};

/// What has changed.
#[derive(Debug, Clone, PartialEq)]
enum Changed {
    Delivery(DeliveryId),
    Incident(String),
}

/// All changes since the beginning.
#[derive(Debug, Default)]
pub(super) struct Feed {
    changes: Vec<Changed>,
    deliveries: BTreeMap<DeliveryId, Record>,
    taken: BTreeMap<String, Acknowledgement>,
}

impl Feed {
    /// Returns what has changed since a cursor. `now` has all deliveries and acknowledgements.
    pub(super) fn page(
        &mut self,
        query: FeedQuery,
        now: Vec<Record>,
        taken: &[(String, Acknowledgement)],
    ) -> FeedPage {
        self.find_changes(&now, taken);
        let last = self.changes.len() as i64;
        let after = query.after.unwrap_or(last);
        if !(0..=last).contains(&after) {
            return FeedPage {
                entries: Vec::new(),
                cursor: last,
                has_gap: true,
            };
        }
        let changes = self.changes.iter().zip(1_i64..);
        let changes = changes.filter(|(_, number)| *number > after);
        let changes: Vec<(&Changed, i64)> = changes.take(query.limit as usize).collect();
        let is_last = |(what, number): &&(&Changed, i64)| {
            let mut later = changes.iter().filter(|(_, other)| other > number);
            later.all(|(other, _)| other != what)
        };
        let entries = changes.iter().filter(is_last).filter_map(|(what, number)| {
            let change = match what {
                Changed::Delivery(id) => {
                    let record = now.iter().find(|record| record.delivery == *id)?;
                    FeedChange::Delivery(Box::new(record.clone()))
                }
                Changed::Incident(incident) => FeedChange::Acknowledgement(incident.clone()),
            };
            let number = *number;
            Some(FeedEntry { number, change })
        });
        FeedPage {
            entries: entries.collect(),
            cursor: changes.last().map_or(after, |(_, number)| *number),
            has_gap: false,
        }
    }

    fn find_changes(&mut self, now: &[Record], taken: &[(String, Acknowledgement)]) {
        for record in now.iter().rev() {
            let record = Record {
                // This follows from another delivery.
                is_over: false,
                ..record.clone()
            };
            let id = record.delivery;
            let before = self.deliveries.get(&id);
            let is_claimed = record.state == State::InFlight && before.is_some();
            if before != Some(&record) && !is_claimed {
                self.deliveries.insert(id, record);
                self.changes.push(Changed::Delivery(id));
            }
        }
        let taken: BTreeMap<_, _> = taken.iter().cloned().collect();
        let before = std::mem::replace(&mut self.taken, taken);
        let names = before.keys().chain(self.taken.keys());
        let mut names: Vec<&String> = names.collect();
        names.sort();
        names.dedup();
        let changed = names
            .into_iter()
            .filter(|name| before.get(*name) != self.taken.get(*name));
        let changed: Vec<_> = changed.cloned().map(Changed::Incident).collect();
        self.changes.extend(changed);
    }
}
