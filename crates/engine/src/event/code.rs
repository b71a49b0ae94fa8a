//! Severities, kinds and proofs by the numbers in which they cross the boundary.

use annunciator_core::code;
use annunciator_store::{Kind, Proof, Severity};

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

/// The proof that a number of the contract means. One that only a later contract has
/// counts as the least.
pub(crate) fn proof(raw: code::Proof) -> Proof {
    match raw {
        code::Proof::ACKNOWLEDGED => Proof::Acknowledged,
        code::Proof::DELIVERED => Proof::Delivered,
        _ => Proof::Accepted,
    }
}
