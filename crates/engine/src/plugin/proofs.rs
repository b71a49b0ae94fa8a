//! The proofs that a channel with given settings can give, as its plugin says and as the engine and
//! the embedding program read them.

use annunciator_core::{code, proofs};
use serde::Serialize;

use crate::{
    event::{Proof, Severity},
    line::printable,
};

/// The maximum number of hints that are shown.
const MAX_HINTS: usize = 8;

/// The proofs that a channel can give of its deliveries, according to its plugin. If the plugin
/// says nothing, that is acceptance only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Proofs {
    /// The greatest proof for each severity, the lowest severity first.
    most: [Proof; Severity::ALL.len()],
    hints: Vec<ProofHint>,
}

/// A setting with which a channel could give a greater proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProofHint {
    /// The proof that the channel could then give.
    pub proof: Proof,
    /// The name of the setting.
    pub setting: String,
    /// The value to set, as YAML on one line.
    pub value: String,
    /// The reason; may be empty.
    pub reason: String,
}

impl Default for Proofs {
    fn default() -> Self {
        Self {
            most: [Proof::Accepted; Severity::ALL.len()],
            hints: Vec::new(),
        }
    }
}

impl Proofs {
    /// Parses a plugin's answer. An answer that cannot be parsed counts as none.
    pub(crate) fn read(answer: &str) -> Self {
        let Some(answer) = proofs::Proofs::parse(answer) else {
            return Self::default();
        };
        let hints = answer.hints.iter().take(MAX_HINTS);
        Self {
            most: Severity::ALL.map(|severity| known(answer.of(code_of(severity)))),
            hints: hints
                .map(|hint| ProofHint {
                    proof: known(hint.proof),
                    setting: printable(&hint.setting),
                    value: printable(&hint.value),
                    reason: printable(&hint.reason),
                })
                .collect(),
        }
    }

    /// Returns the greatest proof that the channel can give for a notification of this severity.
    #[must_use]
    pub fn of(&self, severity: Severity) -> Proof {
        let mut known = Severity::ALL.into_iter().zip(self.most);
        let found = known.find(|(known, _)| *known == severity);
        found.map_or(Proof::Accepted, |(_, most)| most)
    }

    /// Returns the settings with which the channel could give a greater proof, the best first.
    #[must_use]
    pub fn hints(&self) -> &[ProofHint] {
        &self.hints
    }
}

fn code_of(severity: Severity) -> code::Severity {
    match severity {
        Severity::Info => code::Severity::INFO,
        Severity::Warning => code::Severity::WARNING,
        Severity::Critical => code::Severity::CRITICAL,
    }
}

/// Converts a proof. Greater values prove more: a proof of a later version proves at least the
/// greatest one that is known here.
fn known(proof: code::Proof) -> Proof {
    if proof >= code::Proof::ACKNOWLEDGED {
        Proof::Acknowledged
    } else if proof >= code::Proof::DELIVERED {
        Proof::Delivered
    } else {
        Proof::Accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_proves_no_more_than_accepted() {
        for answer in [
            "",
            "[]",
            "certainly not JSON",
            r#"{"from": [{"severity": "high"}]}"#,
        ] {
            assert_eq!(Proofs::read(answer), Proofs::default(), "{answer}");
        }
    }

    #[test]
    fn proofs_of_a_later_version_are_at_least_what_is_known() {
        let read = Proofs::read(
            r#"{"from": [{"severity": 30, "proof": 7}, {"severity": 20, "proof": 2}]}"#,
        );
        let of = Severity::ALL.map(|severity| read.of(severity));
        assert_eq!(of, [Proof::Accepted, Proof::Delivered, Proof::Acknowledged]);
    }

    #[test]
    fn hints_are_few_and_fit_into_a_line() {
        let hint = r#"{"proof": 3, "setting": "a\nb", "value": "c"}"#;
        let many = vec![hint; 20].join(",");
        let read = Proofs::read(&format!(r#"{{"hints": [{many}]}}"#));
        assert_eq!(read.hints().len(), MAX_HINTS);
        assert_eq!(read.hints()[0].setting, "a b");
        assert_eq!(read.hints()[0].reason, "");
    }
}
