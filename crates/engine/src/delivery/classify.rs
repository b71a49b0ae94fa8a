//! Classifies a provider's outcomes into reports that people can read.
//!
//! Trusts nothing: unknown codes, empty and endless texts and control characters all end in a
//! report that can be printed.

use std::time::Duration;

use annunciator_core::{code, outcome::OutcomeV1};

use super::report::{Class, Fault, TargetReport};
use crate::{event::code::proof, line::printable};

/// Targets beyond this many are left out of a report, which says how many.
pub(super) const MAX_TARGETS: usize = 10_000;
const MAX_NOTES: usize = 20;
/// The name of a target that the provider does not name.
pub(super) const ALL_TARGETS: &str = "all targets";

/// Returns the report of one target.
pub(super) fn classify(raw: OutcomeV1) -> TargetReport {
    let known = match raw.class {
        code::OutcomeClass::DELIVERED => Some(Class::Delivered),
        code::OutcomeClass::RETRY => Some(Class::Retry),
        code::OutcomeClass::PERMANENT => Some(Class::Permanent),
        code::OutcomeClass::UNKNOWN => Some(Class::Unknown),
        _ => None,
    };
    let class = known.unwrap_or(Class::Unknown);
    let mut detail = printable(&raw.detail);
    if known.is_none() {
        let text = if detail.is_empty() {
            String::new()
        } else {
            format!(" ({detail})")
        };
        detail = format!(
            "the plugin answered with the unknown outcome {}{text}",
            raw.class.0
        );
    } else if detail.is_empty() && class != Class::Delivered {
        "the plugin gave no reason".clone_into(&mut detail);
    }
    let fault = match known {
        None => Fault::Plugin,
        Some(Class::Delivered) => Fault::None,
        Some(_) => fault(raw.fault),
    };
    TargetReport {
        target: match printable(&raw.target) {
            empty if empty.is_empty() => ALL_TARGETS.to_owned(),
            target => target,
        },
        class,
        fault,
        proof: (class == Class::Delivered).then(|| proof(raw.proof)),
        remote_id: printable(&raw.remote_id),
        code: printable(&raw.code),
        detail,
        hint: printable(&raw.hint),
        retry_after: u64::try_from(raw.retry_after_ms)
            .ok()
            .map(Duration::from_millis),
        notes: raw
            .notes
            .iter()
            .take(MAX_NOTES)
            .map(|note| printable(note))
            .collect(),
    }
}

pub(super) fn fault(raw: code::Fault) -> Fault {
    match raw {
        code::Fault::CONFIG => Fault::Config,
        code::Fault::MESSAGE => Fault::Message,
        code::Fault::RECIPIENT => Fault::Recipient,
        code::Fault::NETWORK => Fault::Network,
        code::Fault::REMOTE => Fault::Remote,
        code::Fault::HOST => Fault::Host,
        code::Fault::NONE => Fault::None,
        _ => Fault::Plugin,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::attempt::outcome, *};

    #[test]
    fn an_outcome_from_the_future_is_unknown_and_names_the_plugin() {
        let report = classify(outcome(
            code::OutcomeClass(99),
            code::Fault(99),
            String::new(),
        ));
        assert_eq!(
            (report.class, report.fault),
            (Class::Unknown, Fault::Plugin)
        );
        assert!(report.detail.contains("99"), "{}", report.detail);
    }

    #[test]
    fn nothing_a_remote_says_disturbs_a_line() {
        let text = format!("550 no\r\n\u{1b}[31m\u{202e}{}", "x".repeat(5000));
        let report = classify(outcome(
            code::OutcomeClass::PERMANENT,
            code::Fault::REMOTE,
            text,
        ));
        assert!(!report.detail.contains(char::is_control));
        assert!(!report.detail.contains('\u{202e}'));
        assert!(report.detail.chars().count() < 1100);
    }

    #[test]
    fn a_failure_without_a_reason_says_so() {
        let report = classify(outcome(
            code::OutcomeClass::RETRY,
            code::Fault::NETWORK,
            " ".to_owned(),
        ));
        assert_eq!(report.detail, "the plugin gave no reason");
        assert_eq!(report.target, "all targets");
    }
}
