//! A notification and a delivery, as they are kept.

use std::sync::Arc;

use super::over::Key;
use crate::{
    Kind, Proof, Severity,
    conflict::First,
    delivery::{DeliveryId, State},
    intake::{Intake, Step},
    record::Attempt,
};

/// A notification.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) notification: String,
    pub(super) key: Option<String>,
    pub(super) host: String,
    pub(super) incident: Arc<str>,
    pub(super) lane: Arc<str>,
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) accepted_ms: i64,
    pub(super) content: Arc<str>,
    pub(super) deliveries: Vec<DeliveryId>,
    /// How many of them have not ended.
    pub(super) open: usize,
}

impl Note {
    pub(super) fn of(intake: &Intake) -> Self {
        Self {
            notification: intake.notification.clone(),
            key: intake.key.clone(),
            host: intake.host.clone(),
            incident: intake.incident.as_str().into(),
            lane: intake.lane.as_str().into(),
            kind: intake.kind,
            severity: intake.severity,
            accepted_ms: intake.accepted_ms,
            content: Arc::clone(&intake.content),
            deliveries: Vec::with_capacity(intake.intents.len()),
            open: 0,
        }
    }

    /// What its key stands for.
    pub(super) fn first(&self) -> First<'_> {
        First {
            host: &self.host,
            incident: &self.incident,
            kind: self.kind,
            severity: self.severity,
            content: &self.content,
        }
    }

    /// Its incident on a channel, where it belongs to one.
    pub(super) fn incident_on(&self, channel: &Arc<str>) -> Option<Key> {
        let key = || (Arc::clone(channel), Arc::clone(&self.incident));
        (!self.incident.is_empty()).then(key)
    }
}

/// A delivery.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) note: i64,
    pub(super) channel: Arc<str>,
    pub(super) state: State,
    pub(super) why: String,
    pub(super) due_ms: i64,
    pub(super) expires_ms: Option<i64>,
    pub(super) ended_ms: Option<i64>,
    pub(super) lease_until_ms: i64,
    pub(super) fence: i64,
    pub(super) attempts: u32,
    /// Of these, those before a person had it tried again.
    pub(super) attempts_before: u32,
    pub(super) again: u32,
    pub(super) targets: Vec<String>,
    pub(super) tried: Vec<Attempt>,
    pub(super) proof: Option<Proof>,
    pub(super) step: Option<Step>,
    /// What it gathers, where it is a digest.
    pub(super) gathers: Option<Arc<str>>,
    /// What tells of it, where it was kept back.
    pub(super) digest: Option<DeliveryId>,
}

impl Held {
    pub(super) fn new(note: i64, channel: Arc<str>, expires_ms: Option<i64>) -> Self {
        Self {
            note,
            channel,
            state: State::Pending,
            why: String::new(),
            due_ms: 0,
            expires_ms,
            ended_ms: None,
            lease_until_ms: 0,
            fence: 0,
            attempts: 0,
            attempts_before: 0,
            again: 0,
            targets: Vec::new(),
            tried: Vec::new(),
            proof: None,
            step: None,
            gathers: None,
            digest: None,
        }
    }

    pub(super) fn begin(&mut self, lease_until_ms: i64) {
        self.state = State::InFlight;
        self.lease_until_ms = lease_until_ms;
        self.fence += 1;
    }

    pub(super) fn end(&mut self, state: State, why: String, now_ms: i64) {
        self.state = state;
        self.why = why;
        self.ended_ms = Some(now_ms);
    }
}
