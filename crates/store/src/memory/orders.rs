//! Adds deliveries to the orders in which they are looked up, and removes them.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};

use super::{indexes::Indexes, stored::StoredDelivery};
use crate::{
    DeliveryId, State,
    rules::{claim, prune},
};

impl Indexes {
    /// Adds a delivery to all orders in which it is looked up.
    pub(super) fn enter(&mut self, id: DeliveryId) {
        let Some(stored) = self.deliveries.get(&id) else {
            return;
        };
        let is_open = self.is_open(stored);
        if let Some(digest) = stored.digest {
            self.suppressed.entry(digest).or_default().insert(id);
        }
        let Some(notification) = self.notifications.get_mut(&stored.notification) else {
            return;
        };
        if is_open {
            notification.open += 1;
            self.ended.remove(&stored.notification);
        }
        if stored.state.has_ended() {
            return;
        }
        let channel = &stored.channel;
        if let Some(incident) = notification.incident_on(channel) {
            self.incidents.enter(incident, id);
        }
        if let Some(lane) = notification.lane_on(channel) {
            self.lanes.entry(lane).or_default().insert(id);
        }
        if stored.state == State::Pending {
            self.due.insert((stored.due_ms, id));
            if let Some(expires_ms) = stored.expires_ms {
                insert(&mut self.expiring, channel, (expires_ms, id));
            }
            let order = claim::order(notification.severity, id);
            insert(&mut self.pending, channel, order);
            if let Some(batch_key) = &stored.batch_key {
                let key = (Arc::clone(channel), Arc::clone(batch_key));
                self.digests.entry(key).or_default().insert(id);
            }
        } else {
            insert(&mut self.in_flight, channel, (stored.lease_until_ms, id));
        }
        for number in self.ended_in(id) {
            if let Some(notification) = self.notifications.get_mut(&number) {
                notification.open += 1;
                self.ended.remove(&number);
            }
        }
    }

    /// Removes a delivery from them. Whoever changes it adds it again.
    pub(super) fn leave(&mut self, id: DeliveryId) {
        let stored = self.deliveries.get(&id);
        let Some(stored) = stored.filter(|stored| self.is_open(stored)) else {
            return;
        };
        let has_ended = stored.state.has_ended();
        let of_digest = match has_ended {
            true => Vec::new(),
            false => self.ended_in(id),
        };
        for number in of_digest.into_iter().chain([stored.notification]) {
            if let Some(notification) = self.notifications.get_mut(&number) {
                notification.open -= 1;
                if notification.open == 0 {
                    self.ended.insert(number);
                }
            }
        }
        let notification = self.notifications.get(&stored.notification);
        let Some(notification) = notification.filter(|_| !has_ended) else {
            return;
        };
        let channel = &stored.channel;
        if let Some(incident) = notification.incident_on(channel) {
            self.incidents.leave(&incident, id);
        }
        if let Some(lane) = notification.lane_on(channel) {
            remove(&mut self.lanes, &lane, &id);
        }
        if stored.state == State::Pending {
            self.due.remove(&(stored.due_ms, id));
            if let Some(expires_ms) = stored.expires_ms {
                remove(&mut self.expiring, channel, &(expires_ms, id));
            }
            let order = claim::order(notification.severity, id);
            remove(&mut self.pending, channel, &order);
            if let Some(batch_key) = &stored.batch_key {
                let key = (Arc::clone(channel), Arc::clone(batch_key));
                remove(&mut self.digests, &key, &id);
            }
        } else {
            let lease = (stored.lease_until_ms, id);
            remove(&mut self.in_flight, channel, &lease);
        }
    }

    /// Returns whether the delivery has not ended, or a digest has yet to report it.
    fn is_open(&self, stored: &StoredDelivery) -> bool {
        let digest = stored.digest.and_then(|digest| self.delivery(digest));
        prune::is_open(stored.state, digest.map(|digest| digest.state))
    }

    /// Returns the notifications of the ended deliveries that a digest reports.
    fn ended_in(&self, digest: DeliveryId) -> Vec<i64> {
        let suppressed = self.suppressed_for(digest);
        let stored = suppressed.filter_map(|id| self.delivery(id));
        let ended = stored.filter(|stored| stored.state.has_ended());
        ended.map(|stored| stored.notification).collect()
    }
}

fn insert<V: Ord>(sets: &mut HashMap<Arc<str>, BTreeSet<V>>, channel: &Arc<str>, entry: V) {
    match sets.get_mut(channel) {
        Some(set) => _ = set.insert(entry),
        None => _ = sets.insert(Arc::clone(channel), BTreeSet::from([entry])),
    }
}

/// Removes an entry, and its set if that is empty then.
pub(super) fn remove<K: Hash + Eq, V: Ord>(sets: &mut HashMap<K, BTreeSet<V>>, key: &K, entry: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(entry);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
