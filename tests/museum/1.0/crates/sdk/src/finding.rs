//! What is wrong with settings, what a check found, why opening failed.

use std::fmt;

use annunciator_core::{
    code::{CheckStatus, Fault as FaultCode, ProblemLevel},
    ffi::RString,
    outcome::{CheckResultV1, OpenErrorV1, ProblemV1},
};

use crate::outcome::Fault;

/// Something that is wrong with a channel's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Problem(pub(crate) ProblemV1);

impl Problem {
    fn new(level: ProblemLevel, path: impl Into<String>, message: impl fmt::Display) -> Self {
        Self(ProblemV1 {
            level,
            path: RString::from(path.into()),
            message: RString::from(message.to_string()),
            help: RString::new(),
        })
    }

    /// The channel cannot work like this. The path names the field, such as
    /// `recipients[1]`; empty for the settings as a whole.
    pub fn error(path: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::new(ProblemLevel::ERROR, path, message)
    }

    /// It may work; the operator should know.
    pub fn warning(path: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::new(ProblemLevel::WARNING, path, message)
    }

    /// What would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = RString::from(help.into());
        self
    }

    /// Whether it stops the channel.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.0.level == ProblemLevel::ERROR
    }

    /// The field.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

/// What a check of the settings against the service found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Check(pub(crate) CheckResultV1);

impl Check {
    fn new(status: CheckStatus, fault: FaultCode, detail: impl fmt::Display) -> Self {
        Self(CheckResultV1 {
            status,
            fault,
            detail: RString::from(detail.to_string()),
            hint: RString::new(),
            extension_json: RString::new(),
        })
    }

    /// A notification would very likely arrive. The detail says what was seen.
    pub fn ok(detail: impl fmt::Display) -> Self {
        Self::new(CheckStatus::OK, FaultCode::NONE, detail)
    }

    /// A notification would not arrive.
    pub fn failed(fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(CheckStatus::FAILED, fault.code(), detail)
    }

    /// The provider cannot tell without delivering something.
    pub fn unsupported() -> Self {
        Self::new(
            CheckStatus::UNSUPPORTED,
            FaultCode::NONE,
            "this channel cannot be checked without delivering something",
        )
    }

    /// What a person can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = RString::from(hint.into());
        self
    }

    /// Whether a notification would very likely arrive.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.0.status == CheckStatus::OK
    }

    /// What was found.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The boundary's own form, to read what has no method here.
    #[must_use]
    pub fn raw(&self) -> &CheckResultV1 {
        &self.0
    }
}

/// Why a provider could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct OpenError(pub(crate) OpenErrorV1);

impl OpenError {
    /// Says whose fault it is and what happened.
    #[must_use]
    pub fn new(fault: Fault, detail: impl fmt::Display) -> Self {
        Self(OpenErrorV1 {
            fault: fault.code(),
            detail: RString::from(detail.to_string()),
            hint: RString::new(),
        })
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = RString::from(hint.into());
        self
    }
}
