//! A notification for tests, with a value in every field.

use std::time::Duration;

use annunciator_core::{
    code,
    ffi::{RArc, RString, RVec},
    message::{AttributeV1, DeliveryV1, NotificationV1},
};

use crate::delivery::{Kind, Severity};

/// A delivery for a test, built field by field.
#[derive(Debug, Clone)]
#[must_use]
pub struct Sample {
    notification: NotificationV1,
    attempt: u32,
    timeout: Duration,
    targets: Vec<String>,
    reference: String,
}

impl Sample {
    /// Creates a warning about `prod-web-01`, at 2026-01-02T03:04:05Z.
    pub fn new(body: &str) -> Self {
        Self {
            notification: NotificationV1 {
                id: "0190f3c4-0000-7000-8000-000000000001".into(),
                incident: RString::new(),
                host: "prod-web-01".into(),
                title: RString::new(),
                body: body.into(),
                severity: code::Severity::WARNING,
                kind: code::Kind::MESSAGE,
                occurred_at_ms: 1_767_323_045_000,
                attributes: RVec::new(),
                extension_json: RString::new(),
            },
            attempt: 1,
            timeout: Duration::from_secs(30),
            targets: Vec::new(),
            reference: String::new(),
        }
    }

    /// Sets the ID.
    pub fn id(mut self, id: &str) -> Self {
        self.notification.id = id.into();
        self
    }

    /// Sets the incident.
    pub fn incident(mut self, incident: &str) -> Self {
        self.notification.incident = incident.into();
        self
    }

    /// Sets the host; empty for none.
    pub fn host(mut self, host: &str) -> Self {
        self.notification.host = host.into();
        self
    }

    /// Sets the title.
    pub fn title(mut self, title: &str) -> Self {
        self.notification.title = title.into();
        self
    }

    /// Sets when the event happened, in milliseconds since the Unix epoch: any value, as the
    /// contract allows.
    pub fn occurred_at_ms(mut self, ms: i64) -> Self {
        self.notification.occurred_at_ms = ms;
        self
    }

    /// Sets the severity.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.notification.severity = severity.code();
        self
    }

    /// Sets the kind.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.notification.kind = match kind {
            Kind::Message => code::Kind::MESSAGE,
            Kind::Problem => code::Kind::PROBLEM,
            Kind::Recovery => code::Kind::RECOVERY,
            Kind::Test => code::Kind::TEST,
        };
        self
    }

    /// Adds an attribute.
    pub fn attribute(mut self, key: &str, value: &str) -> Self {
        self.notification.attributes.push(AttributeV1 {
            key: key.into(),
            value: value.into(),
        });
        self
    }

    /// Makes it a later attempt, for these targets only.
    pub fn again(mut self, attempt: u32, targets: &[&str]) -> Self {
        self.attempt = attempt;
        self.targets = targets.iter().map(|target| (*target).to_owned()).collect();
        self
    }

    /// Sets the host's reference of the delivery.
    pub fn reference(mut self, reference: &str) -> Self {
        reference.clone_into(&mut self.reference);
        self
    }

    /// Sets how long the host waits for the attempt.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn delivery(&self) -> DeliveryV1 {
        DeliveryV1 {
            notification: RArc::new(self.notification.clone()),
            attempt: self.attempt,
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            targets: self
                .targets
                .iter()
                .map(|target| RString::from(target.as_str()))
                .collect(),
            reference: RString::from(self.reference.as_str()),
            extension_json: RString::new(),
        }
    }
}
