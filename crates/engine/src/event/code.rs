//! Severities and kinds by the numbers in which they cross the boundary.

use annunciator_core::code;
use annunciator_store::{Kind, Severity};

/// The number of a severity in the contract.
pub(crate) fn severity(severity: Severity) -> code::Severity {
    match severity {
        Severity::Info => code::Severity::INFO,
        Severity::Warning => code::Severity::WARNING,
        Severity::Critical => code::Severity::CRITICAL,
    }
}

/// The number of a kind in the contract.
pub(crate) fn kind(kind: Kind) -> code::Kind {
    match kind {
        Kind::Problem => code::Kind::PROBLEM,
        Kind::Recovery => code::Kind::RECOVERY,
        Kind::Test => code::Kind::TEST,
        // A kind that a later store knows is a message for its own sake to plugins.
        _ => code::Kind::MESSAGE,
    }
}
