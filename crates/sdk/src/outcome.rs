//! The outcome of one attempt for one target.

use std::{fmt, time::Duration};

use annunciator_core::{
    code::{self, OutcomeClass},
    ffi::{RString, RVec},
    outcome::{DeliveryResultV1, OutcomeV1},
};

use crate::redacted;

/// Who can fix a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The operator, by the configuration.
    Config,
    /// The sender: the remote refuses this particular message.
    Message,
    /// The one recipient.
    Recipient,
    /// The network between here and the remote.
    Network,
    /// The remote service.
    Remote,
    /// This plugin.
    Plugin,
    /// The host program.
    Host,
}

impl Fault {
    pub(crate) fn code(self) -> code::Fault {
        match self {
            Self::Config => code::Fault::CONFIG,
            Self::Message => code::Fault::MESSAGE,
            Self::Recipient => code::Fault::RECIPIENT,
            Self::Network => code::Fault::NETWORK,
            Self::Remote => code::Fault::REMOTE,
            Self::Plugin => code::Fault::PLUGIN,
            Self::Host => code::Fault::HOST,
        }
    }
}

/// The class of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The remote accepted the message.
    Delivered,
    /// The message was not delivered, and the same attempt may succeed later.
    Retry,
    /// The message was not delivered, and will not be until somebody changes something.
    Permanent,
    /// The message may have been sent, and no answer was read.
    Unknown,
}

/// The level of proof beyond the remote's acceptance, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// The message reached the person's device or mailbox.
    Delivered,
    /// The person has acknowledged the message.
    Acknowledged,
}

impl Proof {
    pub(crate) fn code(self) -> code::Proof {
        match self {
            Self::Delivered => code::Proof::DELIVERED,
            Self::Acknowledged => code::Proof::ACKNOWLEDGED,
        }
    }
}

/// The outcome of one attempt for one target.
///
/// The texts are for people and contain no secret. A target has the same name in every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Outcome(OutcomeV1);

impl Outcome {
    fn new(
        target: impl Into<String>,
        class: OutcomeClass,
        fault: code::Fault,
        detail: impl fmt::Display,
    ) -> Self {
        Self(OutcomeV1 {
            target: RString::from(target.into()),
            class,
            fault,
            proof: code::Proof::ACCEPTED,
            remote_id: RString::new(),
            code: RString::new(),
            detail: RString::from(detail.to_string()),
            hint: RString::new(),
            retry_after_ms: -1,
            notes: RVec::new(),
            extension_json: RString::new(),
        })
    }

    #[cfg(feature = "testing")]
    pub(crate) fn from_raw(raw: OutcomeV1) -> Self {
        Self(raw)
    }

    /// Creates the outcome of a message that the remote accepted.
    pub fn delivered(target: impl Into<String>) -> Self {
        Self::new(target, OutcomeClass::DELIVERED, code::Fault::NONE, "")
    }

    /// Creates the outcome of a message that was not delivered, and may be in a later attempt.
    pub fn retry(target: impl Into<String>, fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(target, OutcomeClass::RETRY, fault.code(), detail)
    }

    /// Creates the outcome of a message that is not delivered until somebody changes something.
    pub fn permanent(target: impl Into<String>, fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(target, OutcomeClass::PERMANENT, fault.code(), detail)
    }

    /// Creates the outcome of a message that may have been sent, with no answer read.
    pub fn unknown(target: impl Into<String>, fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(target, OutcomeClass::UNKNOWN, fault.code(), detail)
    }

    /// Sets the ID that the remote gave the message.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.0.remote_id = RString::from(id.into());
        self
    }

    /// Sets the remote's code, such as `550 5.1.1` or `HTTP 404`.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.code = RString::from(code.into());
        self
    }

    /// Sets what a person can do about the failure.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = RString::from(hint.into());
        self
    }

    /// Sets how long the remote asked to wait before the next attempt.
    pub fn after(mut self, wait: Duration) -> Self {
        self.0.retry_after_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        self
    }

    /// Adds a note on something else that matters, such as that a text was cut.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(RString::from(note.into()));
        self
    }

    /// Adds several notes.
    pub fn notes(self, notes: impl IntoIterator<Item = String>) -> Self {
        notes.into_iter().fold(self, Self::note)
    }

    /// Removes these secrets from the texts.
    pub(crate) fn redacted<S: AsRef<str>>(mut self, secrets: &[S]) -> Self {
        self.0.detail = RString::from(redacted(&self.0.detail, secrets));
        self
    }

    /// Marks the message as having reached the person's device or mailbox, which is more than
    /// acceptance.
    pub fn reached(mut self) -> Self {
        self.0.proof = code::Proof::DELIVERED;
        self
    }

    /// Returns the target's name.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.0.target
    }

    /// Returns the outcome's class.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.0.class {
            OutcomeClass::DELIVERED => Class::Delivered,
            OutcomeClass::RETRY => Class::Retry,
            OutcomeClass::PERMANENT => Class::Permanent,
            _ => Class::Unknown,
        }
    }

    /// Returns who can fix the failure.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self.0.fault {
            code::Fault::CONFIG => Some(Fault::Config),
            code::Fault::MESSAGE => Some(Fault::Message),
            code::Fault::RECIPIENT => Some(Fault::Recipient),
            code::Fault::NETWORK => Some(Fault::Network),
            code::Fault::REMOTE => Some(Fault::Remote),
            code::Fault::PLUGIN => Some(Fault::Plugin),
            code::Fault::HOST => Some(Fault::Host),
            _ => None,
        }
    }

    /// Returns how long the remote asked to wait before the next attempt.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        u64::try_from(self.0.retry_after_ms)
            .ok()
            .map(Duration::from_millis)
    }

    /// Returns the contract's own form, to read what has no method here.
    #[must_use]
    pub fn raw(&self) -> &OutcomeV1 {
        &self.0
    }
}

/// Packs outcomes into the contract's form for the host.
pub(crate) fn pack(outcomes: Vec<Outcome>) -> DeliveryResultV1 {
    DeliveryResultV1 {
        outcomes: outcomes.into_iter().map(|outcome| outcome.0).collect(),
        extension_json: RString::new(),
    }
}
