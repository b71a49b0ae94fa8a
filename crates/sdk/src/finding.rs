//! Problems in settings, results of checks, and errors of opening a provider.

use std::fmt;

use annunciator_core::{
    code::{CheckStatus, Fault as FaultCode, ProblemLevel},
    ffi::RString,
    outcome::{CheckResultV1, OpenErrorV1, ProblemV1},
};

use crate::outcome::Fault;

/// A problem in a channel's settings.
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

    /// Creates an error, with which the channel cannot work. The path names the field, such as
    /// `recipients[1]`; empty for the settings as a whole.
    pub fn error(path: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::new(ProblemLevel::ERROR, path, message)
    }

    /// Creates a warning: the channel may work, and the operator should know of the problem.
    pub fn warning(path: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::new(ProblemLevel::WARNING, path, message)
    }

    /// Sets what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = RString::from(help.into());
        self
    }

    /// Returns whether the problem prevents the channel from opening.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.0.level == ProblemLevel::ERROR
    }

    /// Returns the path of the field.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

/// The result of checking the settings against the service.
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

    /// Creates the result that a notification would very likely arrive. The detail says what was
    /// seen.
    pub fn ok(detail: impl fmt::Display) -> Self {
        Self::new(CheckStatus::OK, FaultCode::NONE, detail)
    }

    /// Creates the result that a notification would not arrive.
    pub fn failed(fault: Fault, detail: impl fmt::Display) -> Self {
        Self::new(CheckStatus::FAILED, fault.code(), detail)
    }

    /// Creates the result that the provider cannot check without delivering something.
    pub fn unsupported() -> Self {
        Self::new(
            CheckStatus::UNSUPPORTED,
            FaultCode::NONE,
            "this channel cannot be checked without delivering something",
        )
    }

    /// Sets what a person can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = RString::from(hint.into());
        self
    }

    /// Returns whether a notification would very likely arrive.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.0.status == CheckStatus::OK
    }

    /// Returns what was found.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the contract's own form, to read what has no method here.
    #[must_use]
    pub fn raw(&self) -> &CheckResultV1 {
        &self.0
    }
}

/// The error of opening a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct OpenError(pub(crate) OpenErrorV1);

impl OpenError {
    /// Creates an error that says who can fix it and what happened.
    #[must_use]
    pub fn new(fault: Fault, detail: impl fmt::Display) -> Self {
        Self(OpenErrorV1 {
            fault: fault.code(),
            detail: RString::from(detail.to_string()),
            hint: RString::new(),
        })
    }

    /// Sets what a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = RString::from(hint.into());
        self
    }
}
