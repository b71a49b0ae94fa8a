//! Converts severities, kinds and proofs to and from the numbers of the contract.

use annunciator_core::code;
use annunciator_store::{Kind, Proof, Severity};

/// Returns the number of a severity in the contract.
pub(crate) fn severity(severity: Severity) -> code::Severity {
    match severity {
        Severity::Info => code::Severity::INFO,
        Severity::Warning => code::Severity::WARNING,
        Severity::Critical => code::Severity::CRITICAL,
    }
}

/// Returns the number of a kind in the contract.
pub(crate) fn kind(kind: Kind) -> code::Kind {
    match kind {
        Kind::Problem => code::Kind::PROBLEM,
        Kind::Recovery => code::Kind::RECOVERY,
        Kind::Test => code::Kind::TEST,
        // Plugins get a kind of a later store as a message.
        _ => code::Kind::MESSAGE,
    }
}

/// Returns the proof for a number of the contract. A proof of a later contract counts as the least.
pub(crate) fn proof(raw: code::Proof) -> Proof {
    match raw {
        code::Proof::ACKNOWLEDGED => Proof::Acknowledged,
        code::Proof::DELIVERED => Proof::Delivered,
        _ => Proof::Accepted,
    }
}
