//! The model's data, and the queries that only read it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annunciator_store::{
    Accepted, AcceptedDelivery, Accounts, AcknowledgeRequest, Acknowledged, Acknowledgement,
    Answer, Attempt, Claim, ClaimRequest, DeliveryId, Digest, FeedPage, FeedQuery, IncidentQuery,
    Intake, Kind, MAX_KV_ENTRIES, OpenIncident, Proof, Prune, Query, Record, Settled, Settlement,
    State, Step, Store, StoreError, Superseded,
};

use super::{feed::Feed, keys::differences};

/// A store that is the model of all others. Clones are handles on the same one.
#[derive(Debug, Clone, Default)]
pub struct ModelStore(Arc<Mutex<Model>>);

/// A delivery with its notification.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: DeliveryId,
    pub(super) number: i64,
    /// The notification as it was accepted.
    pub(super) intake: Arc<Intake>,
    pub(super) channel: Arc<str>,
    pub(super) state: State,
    pub(super) why: String,
    pub(super) due_ms: i64,
    pub(super) expires_ms: Option<i64>,
    pub(super) ended_ms: Option<i64>,
    pub(super) lease_until_ms: i64,
    pub(super) fence: i64,
    pub(super) attempts: u32,
    pub(super) uncounted: u32,
    pub(super) reclaims: u32,
    pub(super) targets: Vec<String>,
    pub(super) tried: Vec<Attempt>,
    pub(super) proof: Option<Proof>,
    pub(super) step: Option<Step>,
    /// The batch key, if it is a digest.
    pub(super) batch_key: Option<String>,
    /// The digest that reports it, if it was suppressed for one.
    pub(super) digest: Option<DeliveryId>,
}

impl Entry {
    pub(super) fn is(&self, channel: &str, incident: &str, kind: Kind) -> bool {
        !incident.is_empty()
            && *self.channel == *channel
            && self.intake.incident == incident
            && self.intake.kind == kind
    }

    fn record(&self, is_over: bool) -> Record {
        Record {
            delivery: self.id,
            notification: self.intake.notification.clone(),
            channel: self.channel.to_string(),
            host: self.intake.host.clone(),
            incident: self.intake.incident.clone(),
            severity: self.intake.severity,
            state: self.state,
            why: self.why.clone(),
            accepted_ms: self.intake.accepted_ms,
            due_ms: (self.state == State::Pending).then_some(self.due_ms),
            expires_ms: self.expires_ms,
            ended_ms: self.ended_ms,
            attempts: self.attempts,
            reclaims: self.reclaims,
            proof: self.proof,
            group: self.step.as_ref().map(|step| step.group.to_string()),
            step: self.step.as_ref().map_or(0, |step| step.number),
            digest: self.digest,
            is_over,
            content: self.intake.content.to_string(),
        }
    }

    pub(super) fn accepted_delivery(&self) -> AcceptedDelivery {
        AcceptedDelivery {
            delivery: self.id,
            channel: Arc::clone(&self.channel),
            state: self.state,
            why: self.why.clone(),
            fence: self.fence,
            step: self.step.clone(),
            proof: self.proof,
        }
    }
}

/// An open problem on a channel.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) channel: Arc<str>,
    pub(super) incident: String,
    /// Its first notification, or the end of the problem before.
    pub(super) since: i64,
    pub(super) newest: i64,
    pub(super) is_known: bool,
}

/// A deduplication window.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) channel: Arc<str>,
    pub(super) incident: String,
    pub(super) fingerprint: u64,
    pub(super) delivery: DeliveryId,
    pub(super) until_ms: i64,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) last_number: i64,
    pub(super) last_id: i64,
    /// All stored notifications, the oldest first.
    pub(super) notifications: Vec<(i64, Arc<Intake>)>,
    /// All stored deliveries, the oldest first.
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
    pub(super) sent: Vec<Sent>,
    /// Incidents that somebody has taken over.
    pub(super) taken: Vec<(String, Acknowledgement)>,
    /// What has changed when somebody asked.
    pub(super) feed: Feed,
    pub(super) accounts: Accounts,
    /// Channel, key and value; the oldest first.
    values: Vec<(Arc<str>, String, Vec<u8>)>,
}

impl Model {
    pub(super) fn entry(&mut self, id: DeliveryId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    pub(super) fn state(&self, id: DeliveryId) -> Option<State> {
        let found = self.entries.iter().find(|entry| entry.id == id);
        found.map(|entry| entry.state)
    }

    pub(super) fn add(&mut self, intake: Intake) -> (i64, Arc<Intake>) {
        self.last_number += 1;
        let intake = Arc::new(intake);
        let added = (self.last_number, intake);
        self.notifications.push(added.clone());
        added
    }

    pub(super) fn add_entry(
        &mut self,
        of: &(i64, Arc<Intake>),
        channel: &Arc<str>,
        expires_ms: Option<i64>,
    ) -> &mut Entry {
        self.last_id += 1;
        self.accounts.accepted += 1;
        let place = self.entries.len();
        self.entries.push(Entry {
            id: DeliveryId(self.last_id),
            number: of.0,
            intake: Arc::clone(&of.1),
            channel: Arc::clone(channel),
            state: State::Pending,
            why: String::new(),
            due_ms: of.1.accepted_ms,
            expires_ms,
            ended_ms: None,
            lease_until_ms: 0,
            fence: 0,
            attempts: 0,
            uncounted: 0,
            reclaims: 0,
            targets: vec![],
            tried: vec![],
            proof: None,
            step: None,
            batch_key: None,
            digest: None,
        });
        &mut self.entries[place]
    }

    /// Returns the digest that a delivery joins that is suppressed now.
    pub(super) fn gather(&mut self, channel: &Arc<str>, of: &Digest, now_ms: i64) -> DeliveryId {
        for entry in &self.entries {
            let is_alike =
                entry.batch_key.as_ref() == Some(&of.batch_key) && entry.channel == *channel;
            let waits = entry.state == State::Pending && entry.attempts == 0;
            if is_alike && waits && entry.due_ms > now_ms {
                return entry.id;
            }
        }
        let added = self.add(Intake {
            notification: of.notification.clone(),
            accepted_ms: now_ms,
            content: Arc::clone(&of.content),
            host: String::new(),
            ..super::super::intake("", &[])
        });
        let entry = self.add_entry(&added, channel, of.expires_ms);
        entry.due_ms = of.due_ms;
        entry.batch_key = Some(of.batch_key.clone());
        entry.id
    }

    /// Returns the answer for a notification's idempotency key, or why its use is an error.
    pub(super) fn first(&self, again: &Intake) -> Result<Option<Accepted>, StoreError> {
        let Some(key) = &again.key else {
            return Ok(None);
        };
        let mut found = self.notifications.iter();
        let Some((number, first)) = found.find(|(_, one)| one.key.as_ref() == Some(key)) else {
            return Ok(None);
        };
        let differs = differences(first, again);
        if !differs.is_empty() {
            let key = key.clone();
            return Err(StoreError::Conflict { key, differs });
        }
        let entries = self.entries.iter().filter(|entry| entry.number == *number);
        Ok(Some(Accepted {
            notification: first.notification.clone(),
            repeated: true,
            deliveries: entries.map(Entry::accepted_delivery).collect(),
            superseded: vec![],
        }))
    }

    fn is_over(&self, entry: &Entry) -> bool {
        let is_same = |problem: &&Problem| {
            entry.is(&problem.channel, &problem.incident, Kind::Problem)
                && problem.since <= entry.number
        };
        entry.intake.kind == Kind::Problem
            && !entry.intake.incident.is_empty()
            && !self.problems.iter().any(|problem| is_same(&problem))
    }

    fn deliveries(&self, query: &Query) -> Vec<Record> {
        let is = |asked: &Option<String>, is: &str| asked.as_ref().is_none_or(|one| one == is);
        let newest_first = self.entries.iter().rev();
        newest_first
            .filter(|entry| query.before.is_none_or(|before| entry.id < before))
            .filter(|entry| query.delivery.is_none_or(|id| entry.id == id))
            .filter(|entry| query.states.is_empty() || query.states.contains(&entry.state))
            .filter(|entry| is(&query.host, &entry.intake.host))
            .filter(|entry| is(&query.incident, &entry.intake.incident))
            .filter(|entry| is(&query.channel, &entry.channel))
            .filter(|entry| query.digest.is_none() || entry.digest == query.digest)
            .filter(|entry| Some(entry.intake.accepted_ms) >= query.since_ms)
            .take(query.limit as usize)
            .map(|entry| entry.record(self.is_over(entry)))
            .collect()
    }

    fn feed_page(&mut self, query: FeedQuery) -> FeedPage {
        let all = Query {
            limit: u32::MAX,
            ..Query::default()
        };
        let now = self.deliveries(&all);
        self.feed.page(query, now, &self.taken)
    }

    fn counted(&mut self) -> Accounts {
        let states = &mut self.accounts.states;
        *states = State::ALL.into_iter().map(|state| (state, 0)).collect();
        for entry in &self.entries {
            *states.entry(entry.state).or_default() += 1;
        }
        self.accounts.clone()
    }

    fn keep(&mut self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) {
        let is_it = |it: &&mut (Arc<str>, String, Vec<u8>)| it.0 == channel && it.1 == key;
        match (self.values.iter_mut().find(is_it), value) {
            (Some(there), Some(value)) => there.2 = value,
            (None, Some(value)) => self.values.push((Arc::clone(&channel), key, value)),
            (_, None) => self.values.retain(|it| it.0 != channel || it.1 != key),
        }
        let of_channel = self.values.iter().filter(|it| it.0 == channel).count();
        if of_channel > MAX_KV_ENTRIES {
            let oldest = self.values.iter().position(|it| it.0 == channel);
            oldest.map(|oldest| self.values.remove(oldest));
        }
    }
}

impl ModelStore {
    fn lock(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now<T: Send + 'static>(answer: T) -> Answer<T> {
    Box::pin(std::future::ready(Ok(answer)))
}

impl Store for ModelStore {
    fn accept(&self, intake: Intake) -> Answer<Accepted> {
        let accepted = self.lock().accept(intake);
        Box::pin(std::future::ready(accepted))
    }

    fn known(&self, intake: Intake) -> Answer<Option<Accepted>> {
        let known = self.lock().first(&intake);
        Box::pin(std::future::ready(known))
    }

    fn claim(&self, wanted: ClaimRequest) -> Answer<Vec<Claim>> {
        now(self.lock().claim(&wanted))
    }

    fn settle(&self, settlement: Settlement) -> Answer<Settled> {
        now(self.lock().settle(settlement))
    }

    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>> {
        let model = self.lock();
        let pending = model.entries.iter().filter(|it| it.state == State::Pending);
        let times = pending.map(|entry| entry.due_ms);
        now(times.filter(|due_ms| *due_ms > now_ms).min())
    }

    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>> {
        let model = self.lock();
        let pending = model.entries.iter().filter(|it| it.state == State::Pending);
        let of_channel = pending.filter(|entry| *entry.channel == *channel);
        let times = of_channel.filter_map(|entry| entry.expires_ms);
        now(times.filter(|expires_ms| *expires_ms > now_ms).min())
    }

    fn ready(&self, now_ms: i64) -> Answer<Vec<String>> {
        now(self.lock().ready(now_ms))
    }

    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>> {
        now(self.lock().prove(delivery, proof, now_ms))
    }

    fn acknowledge(&self, request: AcknowledgeRequest) -> Answer<Acknowledged> {
        now(self.lock().acknowledge(&request))
    }

    fn withdraw(&self, incident: String, now_ms: i64) -> Answer<bool> {
        now(self.lock().withdraw(&incident, now_ms))
    }

    fn incidents(&self, query: IncidentQuery) -> Answer<Vec<OpenIncident>> {
        now(self.lock().open_incidents(&query))
    }

    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        now(self.lock().retry(&deliveries, now_ms))
    }

    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        now(self.lock().deliveries(&query))
    }

    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        let mut model = self.lock();
        let entry = model.entry(delivery);
        now(entry.map(|entry| entry.tried.clone()).unwrap_or_default())
    }

    fn feed(&self, query: FeedQuery) -> Answer<FeedPage> {
        now(self.lock().feed_page(query))
    }

    fn accounts(&self) -> Answer<Accounts> {
        now(self.lock().counted())
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn prune(&self, prune: Prune) -> Answer<u64> {
        now(self.lock().prune(&prune))
    }

    fn kv_put(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        self.lock().keep(channel, key, value);
        now(())
    }

    fn kv_get(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        let model = self.lock();
        let mut values = model.values.iter();
        let found = values.find(|it| it.0 == channel && it.1 == key);
        now(found.map(|it| it.2.clone()))
    }
}
