//! Proofs: which ones a channel with given settings can give, as its plugin says, and who gave one.
//! Since 1.1.
//!
//! Both cross the boundary as one JSON object, so that it can grow: unknown fields are ignored, and
//! unknown codes are data. A plugin of 1.0 has no such function, which means [`Proofs::default`]:
//! acceptance only.

use serde::{Deserialize, Serialize};

use crate::code::{Proof, Severity};

/// The maximum length of a plugin's answer, in bytes. A host ignores a longer one. It is the same
/// as that of a note.
pub const PROOFS_LIMIT: usize = 16 * 1024;

/// The proofs that a channel can give of its deliveries, and the settings with which it could give
/// greater ones.
///
/// This applies to problems and to messages outside incidents; a recovery may prove less.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// The greatest proof from a severity upwards, in any order. Below the lowest of these
    /// severities, the channel proves acceptance only.
    #[serde(default)]
    pub from: Vec<ProofFrom>,
    /// The settings with which the channel could give a greater proof, the best first.
    #[serde(default)]
    pub hints: Vec<ProofHint>,
}

/// The greatest proof from a severity upwards, up to the next severity that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofFrom {
    /// The lowest severity to which this applies.
    pub severity: Severity,
    /// The greatest proof.
    pub proof: Proof,
}

/// A setting with which a channel could give a greater proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofHint {
    /// The proof that the channel could then give.
    pub proof: Proof,
    /// The name of the setting, such as `priorities`.
    pub setting: String,
    /// The value to set, as YAML on one line, such as `{critical: emergency}`.
    pub value: String,
    /// The reason, as a sentence without a full stop; may be empty.
    #[serde(default)]
    pub reason: String,
}

impl Proofs {
    /// Returns the greatest proof that the channel can give for a message of this severity.
    #[must_use]
    pub fn of(&self, severity: Severity) -> Proof {
        let known = self.from.iter().filter(|from| from.severity <= severity);
        let nearest = known.max_by_key(|from| from.severity);
        nearest.map_or(Proof::ACCEPTED, |from| from.proof.max(Proof::ACCEPTED))
    }

    /// Parses a plugin's answer. Returns `None` if it is too long or not such an object.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        if json.len() > PROOFS_LIMIT {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    /// Returns the JSON form that crosses the boundary.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers and texts always fit.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The maximum length of the details of a proof, in bytes. A host ignores longer ones, and records
/// the proof without them. It is the same as that of [`Proofs`].
pub const PROOF_DETAILS_LIMIT: usize = 16 * 1024;

/// What is known of a proof besides its level: who gave it, when, and with which words.
///
/// The texts are the remote's: they may contain any character, but no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofDetails {
    /// The name of the person, as the service knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When the person did it, in milliseconds since the Unix epoch, by the service's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// What the person wrote, such as the text of a reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ProofDetails {
    /// Parses the details that a plugin reports. Returns `None` if they are too long or not such an
    /// object. Empty text means that nothing is known.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        if json.is_empty() {
            return Some(Self::default());
        }
        if json.len() > PROOF_DETAILS_LIMIT {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    /// Returns the JSON form that crosses the boundary.
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
    fn details_are_read_as_far_as_they_are_known() {
        let text = r#"{"by": "anna", "at_ms": 7, "team": ["ops"]}"#;
        let read = ProofDetails::parse(text).unwrap();
        assert_eq!(read.by.as_deref(), Some("anna"));
        assert_eq!((read.at_ms, &read.note), (Some(7), &None));
        assert_eq!(read.to_json(), r#"{"by":"anna","at_ms":7}"#);
        assert_eq!(ProofDetails::parse(&read.to_json()), Some(read));
        assert_eq!(ProofDetails::parse(""), Some(ProofDetails::default()));
        let long = format!("{{\"by\": \"{}\"}}", "y".repeat(PROOF_DETAILS_LIMIT));
        for text in ["7", "[1]", r#"{"by": 7}"#, r#"{"at_ms": "now"}"#, &long] {
            assert_eq!(ProofDetails::parse(text), None, "{}", text.len());
        }
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
