//! The deliveries, in the orders in which they are looked up.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    changes::Changes,
    incidents::Incidents,
    orders::remove,
    stored::{OnChannel, StoredDelivery, StoredNotification},
};
use crate::{
    AcceptedDelivery, DeliveryId, FeedPage, FeedQuery, Kind, Record, Severity, State,
    rules::{IncidentChange, claim, incident},
};

/// All data, in all orders.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    pub(super) last_notification: i64,
    pub(super) last_delivery: i64,
    pub(super) notifications: BTreeMap<i64, StoredNotification>,
    pub(super) deliveries: BTreeMap<DeliveryId, StoredDelivery>,
    /// The pending deliveries, by channel, in the order in which they are handed out.
    pub(super) pending: HashMap<Arc<str>, BTreeSet<(Reverse<Severity>, DeliveryId)>>,
    /// When pending deliveries are due.
    pub(super) due: BTreeSet<(i64, DeliveryId)>,
    /// When pending deliveries expire, by channel.
    pub(super) expiring: HashMap<Arc<str>, BTreeSet<(i64, DeliveryId)>>,
    /// The deliveries in flight, by channel, in the order in which their leases end.
    pub(super) in_flight: HashMap<Arc<str>, BTreeSet<(i64, DeliveryId)>>,
    /// The deliveries of each lane that have not ended, the oldest first.
    pub(super) lanes: HashMap<OnChannel, BTreeSet<DeliveryId>>,
    /// The notifications without open deliveries.
    pub(super) ended: BTreeSet<i64>,
    /// The pending digests, by channel and batch key.
    pub(super) digests: HashMap<OnChannel, BTreeSet<DeliveryId>>,
    /// The deliveries that each digest reports.
    pub(super) suppressed: HashMap<DeliveryId, BTreeSet<DeliveryId>>,
    pub(super) incidents: Incidents,
    pub(super) changes: Changes,
}

impl Indexes {
    pub(super) fn notification(&self, number: i64) -> Option<&StoredNotification> {
        self.notifications.get(&number)
    }

    pub(super) fn delivery(&self, id: DeliveryId) -> Option<&StoredDelivery> {
        self.deliveries.get(&id)
    }

    /// Returns the number of the newest notification.
    pub(super) fn newest(&self) -> i64 {
        self.last_notification
    }

    pub(super) fn accepted_delivery(&self, id: DeliveryId) -> Option<AcceptedDelivery> {
        let stored = self.delivery(id)?;
        Some(AcceptedDelivery {
            delivery: id,
            channel: Arc::clone(&stored.channel),
            state: stored.state,
            why: stored.why.clone(),
            fence: stored.fence,
            step: stored.step.clone(),
            proof: stored.proof,
        })
    }

    pub(super) fn add_notification(&mut self, notification: StoredNotification) -> i64 {
        self.last_notification += 1;
        let number = self.last_notification;
        self.notifications.insert(number, notification);
        // Until it has open deliveries.
        self.ended.insert(number);
        number
    }

    pub(super) fn add(&mut self, stored: StoredDelivery) -> DeliveryId {
        self.last_delivery += 1;
        let id = DeliveryId(self.last_delivery);
        if let Some(notification) = self.notifications.get_mut(&stored.notification) {
            notification.deliveries.push(id);
        }
        self.deliveries.insert(id, stored);
        self.enter(id);
        self.changes.delivery(id);
        id
    }

    /// Changes a delivery, and keeps the orders up to date.
    pub(super) fn change<T>(
        &mut self,
        id: DeliveryId,
        change: impl FnOnce(&mut StoredDelivery, &StoredNotification) -> T,
    ) -> Option<T> {
        self.leave(id);
        let changed = self.deliveries.get_mut(&id).and_then(|stored| {
            let notification = self.notifications.get(&stored.notification)?;
            Some(change(stored, notification))
        });
        self.enter(id);
        let stored = self.deliveries.get(&id);
        // A claim is no change.
        if stored.is_some_and(|stored| stored.state != State::InFlight) {
            self.changes.delivery(id);
        }
        changed
    }

    /// Removes a notification with its deliveries, and returns the states in which those ended.
    pub(super) fn remove(&mut self, number: i64) -> Option<(StoredNotification, Vec<State>)> {
        let notification = self.notifications.remove(&number)?;
        self.ended.remove(&number);
        let mut states = Vec::with_capacity(notification.deliveries.len());
        for id in &notification.deliveries {
            self.suppressed.remove(id);
            let Some(stored) = self.deliveries.remove(id) else {
                continue;
            };
            if let Some(incident) = notification.incident_on(&stored.channel) {
                self.forget(&incident, number);
            }
            if let Some(digest) = stored.digest {
                remove(&mut self.suppressed, &digest, id);
            }
            states.push(stored.state);
        }
        Some((notification, states))
    }

    /// Forgets an incident if only the deleted notification kept it.
    fn forget(&mut self, incident: &OnChannel, deleted: i64) {
        let is_open = self.incidents.open(incident).next().is_some();
        let forgotten = |known| incident::is_forgotten_with(known, deleted, is_open);
        if self.incidents.known(incident).is_some_and(forgotten) {
            self.incidents.change(incident, IncidentChange::Forget);
        }
    }

    /// Returns the notifications without open deliveries, the oldest first.
    pub(super) fn ended(&self) -> impl Iterator<Item = (i64, &StoredNotification)> {
        let ended = self.ended.iter();
        ended.filter_map(|number| Some((*number, self.notification(*number)?)))
    }

    /// Returns the oldest of them, if there are more than `max`.
    pub(super) fn ended_beyond(&self, max: usize) -> Option<i64> {
        let first = self.ended.first().copied();
        first.filter(|_| self.ended.len() > max)
    }

    /// Returns whether any delivery of a lane has not ended.
    pub(super) fn is_busy(&self, channel: &Arc<str>, lane: &str) -> bool {
        let key = (Arc::clone(channel), Arc::from(lane));
        self.lanes.contains_key(&key)
    }

    /// Returns the pending digests of a channel with a batch key, the oldest first.
    pub(super) fn digests(&self, key: &OnChannel) -> impl Iterator<Item = DeliveryId> + '_ {
        self.digests.get(key).into_iter().flatten().copied()
    }

    /// Returns the deliveries that a digest reports.
    pub(super) fn suppressed_for(
        &self,
        digest: DeliveryId,
    ) -> impl Iterator<Item = DeliveryId> + '_ {
        self.suppressed.get(&digest).into_iter().flatten().copied()
    }

    /// Returns the deliveries in flight on a channel, in the order in which their leases end.
    pub(super) fn in_flight(&self, channel: &str) -> impl Iterator<Item = (i64, DeliveryId)> + '_ {
        self.in_flight.get(channel).into_iter().flatten().copied()
    }

    /// Returns the abandoned deliveries, in the order in which they are handed out.
    pub(super) fn abandoned(&self, channel: &str, now_ms: i64) -> Vec<DeliveryId> {
        let in_flight = self.in_flight(channel);
        let abandoned =
            in_flight.take_while(|(until_ms, _)| claim::is_abandoned(*until_ms, now_ms));
        let mut abandoned: Vec<DeliveryId> = abandoned.map(|(_, id)| id).collect();
        abandoned.sort_by_key(|id| {
            let stored = self.delivery(*id);
            let of = stored.and_then(|stored| self.notification(stored.notification));
            claim::order(of.map_or_else(Severity::default, |of| of.severity), *id)
        });
        abandoned
    }

    /// Returns the due delivery that is handed out next.
    pub(super) fn due(&self, channel: &str, now_ms: i64, only_expired: bool) -> Option<DeliveryId> {
        let pending = self.pending.get(channel)?.iter().map(|(_, id)| *id);
        let mut due = pending.filter(|id| {
            self.delivery(*id).is_some_and(|stored| {
                let is_expired = claim::is_expired(stored.expires_ms, now_ms);
                claim::is_due(stored.due_ms, now_ms)
                    && (is_expired || !only_expired)
                    && self.is_first(*id, stored)
            })
        });
        due.next()
    }

    fn is_first(&self, id: DeliveryId, stored: &StoredDelivery) -> bool {
        let Some(lane) = self.lane(stored) else {
            return true;
        };
        let first = self.lanes.get(&lane).and_then(BTreeSet::first);
        first.is_none_or(|first| *first == id)
    }

    pub(super) fn next_due(&self, now_ms: i64) -> Option<i64> {
        let after = (now_ms.saturating_add(1), DeliveryId(i64::MIN));
        self.due.range(after..).next().map(|(due, _)| *due)
    }

    pub(super) fn next_expiry(&self, channel: &str, now_ms: i64) -> Option<i64> {
        let after = (now_ms.saturating_add(1), DeliveryId(i64::MIN));
        let mut expiring = self.expiring.get(channel)?.range(after..);
        expiring.next().map(|(expires, _)| *expires)
    }

    pub(super) fn ready(&self, now_ms: i64) -> Vec<String> {
        let channels: BTreeSet<&Arc<str>> =
            self.pending.keys().chain(self.in_flight.keys()).collect();
        let is_ready = |channel: &&Arc<str>| {
            let due = || self.due(channel, now_ms, false).is_some();
            let mut in_flight = self.in_flight(channel);
            let first = in_flight.next();
            first.is_some_and(|(until_ms, _)| claim::is_abandoned(until_ms, now_ms)) || due()
        };
        let ready = channels.into_iter().filter(is_ready);
        ready.map(|channel| channel.to_string()).collect()
    }

    pub(super) fn count(&self) -> BTreeMap<State, u64> {
        let mut count: BTreeMap<_, _> = State::ALL.into_iter().map(|state| (state, 0)).collect();
        for stored in self.deliveries.values() {
            *count.entry(stored.state).or_default() += 1;
        }
        count
    }

    pub(super) fn newest_first(
        &self,
        before: Option<DeliveryId>,
    ) -> impl Iterator<Item = Record> + '_ {
        let end = before.unwrap_or(DeliveryId(i64::MAX));
        let newest_first = self.deliveries.range(..end).rev();
        newest_first.filter_map(|(id, stored)| self.record(*id, stored))
    }

    fn record_of(&self, id: DeliveryId) -> Option<Record> {
        self.record(id, self.delivery(id)?)
    }

    /// Returns what has changed since a cursor.
    pub(super) fn feed(&self, query: FeedQuery) -> FeedPage {
        self.changes.page(query, |id| self.record_of(id))
    }

    fn record(&self, id: DeliveryId, stored: &StoredDelivery) -> Option<Record> {
        let notification = self.notification(stored.notification)?;
        let step = stored.step.as_ref();
        let problem = (notification.kind == Kind::Problem).then_some(&stored.channel);
        let problem = problem.and_then(|channel| notification.incident_on(channel));
        Some(Record {
            delivery: id,
            notification: notification.name.clone(),
            channel: stored.channel.to_string(),
            host: notification.host.clone(),
            incident: notification.incident.to_string(),
            severity: notification.severity,
            state: stored.state,
            why: stored.why.clone(),
            accepted_ms: notification.accepted_ms,
            due_ms: (stored.state == State::Pending).then_some(stored.due_ms),
            expires_ms: stored.expires_ms,
            ended_ms: stored.ended_ms,
            attempts: stored.attempts,
            reclaims: stored.reclaims,
            proof: stored.proof,
            group: step.map(|step| step.group.to_string()),
            step: step.map_or(0, |step| step.number),
            digest: stored.digest,
            is_over: problem.is_some_and(|incident| {
                incident::is_over(self.incidents.known(&incident), stored.notification)
            }),
            content: notification.content.to_string(),
        })
    }

    fn lane(&self, stored: &StoredDelivery) -> Option<OnChannel> {
        let notification = self.notification(stored.notification)?;
        notification.lane_on(&stored.channel)
    }
}
