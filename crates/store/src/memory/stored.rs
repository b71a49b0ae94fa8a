//! A notification and a delivery, as they are held in memory.

use std::sync::Arc;

use crate::{
    Attempt, DeliveryId, Intake, Kind, Proof, Severity, State, Step,
    rules::{Subject, idempotency::First},
};

/// A channel, and the name of an incident, lane or batch key on it.
pub(super) type OnChannel = (Arc<str>, Arc<str>);

/// A stored notification.
#[derive(Debug)]
pub(super) struct StoredNotification {
    pub(super) name: String,
    pub(super) key: Option<String>,
    pub(super) host: String,
    pub(super) incident: Arc<str>,
    pub(super) lane: Arc<str>,
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) accepted_ms: i64,
    pub(super) content: Arc<str>,
    pub(super) deliveries: Vec<DeliveryId>,
    /// The number of its open deliveries.
    pub(super) open: usize,
}

impl StoredNotification {
    pub(super) fn of(intake: &Intake) -> Self {
        Self {
            name: intake.notification.clone(),
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

    /// Returns the notification for which its idempotency key stands.
    pub(super) fn first(&self) -> First<'_> {
        First {
            host: &self.host,
            incident: &self.incident,
            kind: self.kind,
            severity: self.severity,
            content: &self.content,
        }
    }

    /// Returns its incident on a channel, if it belongs to one.
    pub(super) fn incident_on(&self, channel: &Arc<str>) -> Option<OnChannel> {
        on(channel, &self.incident)
    }

    /// Returns its lane on a channel, if it has one.
    pub(super) fn lane_on(&self, channel: &Arc<str>) -> Option<OnChannel> {
        on(channel, &self.lane)
    }
}

fn on(channel: &Arc<str>, name: &Arc<str>) -> Option<OnChannel> {
    (!name.is_empty()).then(|| (Arc::clone(channel), Arc::clone(name)))
}

/// A stored delivery.
#[derive(Debug)]
pub(super) struct StoredDelivery {
    /// The number of its notification.
    pub(super) notification: i64,
    pub(super) channel: Arc<str>,
    pub(super) state: State,
    pub(super) why: String,
    pub(super) due_ms: i64,
    pub(super) expires_ms: Option<i64>,
    pub(super) ended_ms: Option<i64>,
    pub(super) lease_until_ms: i64,
    pub(super) fence: i64,
    pub(super) attempts: u32,
    /// How many attempts do not count, including all before a person retried it.
    pub(super) uncounted: u32,
    pub(super) reclaims: u32,
    pub(super) targets: Vec<String>,
    pub(super) tried: Vec<Attempt>,
    pub(super) proof: Option<Proof>,
    pub(super) step: Option<Step>,
    /// The batch key, if it is a digest.
    pub(super) batch_key: Option<Arc<str>>,
    /// The digest that reports it, if it was suppressed for one.
    pub(super) digest: Option<DeliveryId>,
}

impl StoredDelivery {
    /// Creates a pending delivery of the notification with this number.
    pub(super) fn pending(
        notification: i64,
        channel: Arc<str>,
        due_ms: i64,
        expires_ms: Option<i64>,
    ) -> Self {
        Self {
            notification,
            channel,
            state: State::Pending,
            why: String::new(),
            due_ms,
            expires_ms,
            ended_ms: None,
            lease_until_ms: 0,
            fence: 0,
            attempts: 0,
            uncounted: 0,
            reclaims: 0,
            targets: Vec::new(),
            tried: Vec::new(),
            proof: None,
            step: None,
            batch_key: None,
            digest: None,
        }
    }

    /// Returns the properties that matter to what follows it.
    pub(super) fn subject(&self, notification: &StoredNotification) -> Subject {
        Subject {
            kind: notification.kind,
            has_incident: !notification.incident.is_empty(),
            is_digest: self.batch_key.is_some(),
            is_step: self.step.is_some(),
        }
    }
}
