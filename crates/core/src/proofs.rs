//! What a plugin says, for given settings, about the proofs that a channel with
//! them can give. Since 1.1.
//!
//! Crosses as one JSON object, so that it can grow: fields that are not known
//! here are ignored, and codes that are not known are data. A plugin of 1.0 has
//! no such function; that means [`Proofs::default`]: accepted, and no more.

use serde::{Deserialize, Serialize};

use crate::code::{Proof, Severity};

/// A plugin's answer may not be longer than this many bytes; a host takes a
/// longer one for none. As long as a note may be.
pub const PROOFS_LIMIT: usize = 16 * 1024;

/// Which proofs a channel can give of what it delivers, and what would have it
/// give more.
///
/// It is about problems and messages of their own; a recovery may prove less.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// The most that can be proven, from a severity on. In any order; what is
    /// milder than all of them is accepted only.
    #[serde(default)]
    pub from: Vec<ProofFrom>,
    /// Settings by which more could be proven, the best first.
    #[serde(default)]
    pub hints: Vec<ProofHint>,
}

/// What can be proven from a severity on, up to the next one that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofFrom {
    /// The mildest severity that this is about.
    pub severity: Severity,
    /// The most that can be proven of it.
    pub proof: Proof,
}

/// A setting by which a channel could prove more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofHint {
    /// What could be proven then.
    pub proof: Proof,
    /// The setting's name, such as `priorities`.
    pub setting: String,
    /// What to write there, as YAML on one line, such as `{critical: emergency}`.
    pub value: String,
    /// Why, in a sentence without a full stop; may be empty.
    #[serde(default)]
    pub reason: String,
}

impl Proofs {
    /// The most that can be proven of a message of this severity.
    #[must_use]
    pub fn of(&self, severity: Severity) -> Proof {
        let known = self.from.iter().filter(|from| from.severity <= severity);
        let nearest = known.max_by_key(|from| from.severity);
        nearest.map_or(Proof::ACCEPTED, |from| from.proof.max(Proof::ACCEPTED))
    }

    /// Reads what a plugin has answered. `None` for what is too long or is no
    /// such object.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        if json.len() > PROOFS_LIMIT {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    /// As it crosses.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers and texts always fit.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(severity: Severity, proof: Proof) -> ProofFrom {
        ProofFrom { severity, proof }
    }

    #[test]
    fn each_severity_has_the_proof_of_the_nearest_that_is_not_above_it() {
        let none = Proofs::default();
        assert_eq!(none.of(Severity::CRITICAL), Proof::ACCEPTED);
        let proofs = Proofs {
            from: vec![
                from(Severity::CRITICAL, Proof::ACCEPTED),
                from(Severity::WARNING, Proof::ACKNOWLEDGED),
            ],
            hints: Vec::new(),
        };
        let of = |severity| proofs.of(severity);
        assert_eq!(of(Severity::INFO), Proof::ACCEPTED);
        assert_eq!(of(Severity::WARNING), Proof::ACKNOWLEDGED);
        assert_eq!(of(Severity(25)), Proof::ACKNOWLEDGED);
        assert_eq!(of(Severity::CRITICAL), Proof::ACCEPTED);
        assert_eq!(of(Severity(99)), Proof::ACCEPTED);
    }

    #[test]
    fn what_a_later_version_adds_is_ignored_and_nonsense_is_no_answer() {
        let text = r#"{"from": [{"severity": 30, "proof": 9, "by": "whom"}], "more": [1]}"#;
        let read = Proofs::parse(text).unwrap();
        assert_eq!(read.of(Severity::CRITICAL), Proof(9));
        assert_eq!(Proofs::parse(&read.to_json()), Some(read));
        let long = format!("{{\"hints\": [], \"x\": \"{}\"}}", "y".repeat(PROOFS_LIMIT));
        for text in ["", "7", "[1]", r#"{"from": 7}"#, &long] {
            assert_eq!(Proofs::parse(text), None, "{}", text.len());
        }
    }
}
