//! What came of one attempt for one target, and how to say it.

use std::{fmt, time::Duration};

use annunciator_core::{
    code::{self, OutcomeClass},
    ffi::{RString, RVec},
    outcome::{DeliveryResultV1, OutcomeV1},
};

use crate::redacted;

/// Who has to do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The operator, in the configuration.
    Config,
    /// The sender: the remote does not take this very message.
    Message,
    /// This one recipient.
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

/// What became of a delivery to one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The remote took it.
    Delivered,
    /// Not delivered; the same attempt may well succeed later.
    Retry,
    /// Not delivered, and never will be until somebody changes something.
    Permanent,
    /// It was sent, or perhaps was, and no answer was read.
    Unknown,
}

/// What is proven of a delivery beyond that the remote took it. Greater is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// It reached the person's device or mailbox.
    Delivered,
    /// The person has said so.
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

/// What came of one attempt for one target.
///
/// Texts are for people and hold no secret; the target's name is the same
/// over every attempt.
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

    /// The remote took it.
    pub fn delivered(target: impl Into<String>) -> Self {
        Self::new(target, OutcomeClass::DELIVERED, code::Fault::NONE, "")
    }

    /// Not delivered; the same attempt may well succeed later.
    pub fn retry(target: impl Into<String>, fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(target, OutcomeClass::RETRY, fault.code(), detail)
    }

    /// Not delivered, and never will be until somebody changes something.
    pub fn permanent(target: impl Into<String>, fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(target, OutcomeClass::PERMANENT, fault.code(), detail)
    }

    /// It was sent, or perhaps was, and no answer was read.
    pub fn unknown(target: impl Into<String>, fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(target, OutcomeClass::UNKNOWN, fault.code(), detail)
    }

    /// The remote's own name for what it took.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.0.remote_id = RString::from(id.into());
        self
    }

    /// The remote's code, such as `550 5.1.1` or `HTTP 404`.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.code = RString::from(code.into());
        self
    }

    /// What a person can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = RString::from(hint.into());
        self
    }

    /// How long the remote asked to be left alone.
    pub fn after(mut self, wait: Duration) -> Self {
        self.0.retry_after_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        self
    }

    /// What else is worth telling, such as that a text was cut.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(RString::from(note.into()));
        self
    }

    /// Several notes at once.
    pub fn notes(self, notes: impl IntoIterator<Item = String>) -> Self {
        notes.into_iter().fold(self, Self::note)
    }

    /// The same without these secrets in what it says.
    pub(crate) fn redacted<S: AsRef<str>>(mut self, secrets: &[S]) -> Self {
        self.0.detail = RString::from(redacted(&self.0.detail, secrets));
        self
    }

    /// It reached the person's device or mailbox, which is more than accepted.
    pub fn reached(mut self) -> Self {
        self.0.proof = code::Proof::DELIVERED;
        self
    }

    /// The name of the target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.0.target
    }

    /// What became of it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.0.class {
            OutcomeClass::DELIVERED => Class::Delivered,
            OutcomeClass::RETRY => Class::Retry,
            OutcomeClass::PERMANENT => Class::Permanent,
            _ => Class::Unknown,
        }
    }

    /// Who has to do something about a failure.
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

    /// How long the remote asked to be left alone.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        u64::try_from(self.0.retry_after_ms)
            .ok()
            .map(Duration::from_millis)
    }

    /// The boundary's own form, to read what has no method here.
    #[must_use]
    pub fn raw(&self) -> &OutcomeV1 {
        &self.0
    }
}

/// Packs outcomes for the way to the host.
pub(crate) fn pack(outcomes: Vec<Outcome>) -> DeliveryResultV1 {
    DeliveryResultV1 {
        outcomes: outcomes.into_iter().map(|outcome| outcome.0).collect(),
        extension_json: RString::new(),
    }
}
