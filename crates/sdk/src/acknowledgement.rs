//! What a provider knows of an acknowledgement: who gave it, when, and with which words.

use std::time::{SystemTime, UNIX_EPOCH};

use annunciator_core::proofs::ProofDetails;

/// The maximum length of a person's name, in characters. A longer one is truncated.
const MAX_NAME_LENGTH: usize = 200;
/// The maximum length of a note, in characters. A longer one is truncated. With this, the JSON of
/// any two texts is shorter than what a host reads.
const MAX_NOTE_LENGTH: usize = 1000;

/// An acknowledgement by a person, for [`Host::acknowledge`](crate::Host::acknowledge). By default,
/// nothing is known of it.
///
/// The texts may come from the service, and contain no secret: people read them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledgement(ProofDetails);

impl Acknowledgement {
    /// Sets the name of the person, as the service knows it. A blank name is none.
    #[must_use]
    pub fn by(mut self, name: &str) -> Self {
        self.0.by = shortened(name, MAX_NAME_LENGTH);
        self
    }

    /// Sets when the person did it, by the service's clock.
    #[must_use]
    pub fn at(self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.at_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Sets when the person did it, in milliseconds since the Unix epoch, by the service's clock.
    #[must_use]
    pub fn at_ms(mut self, ms: i64) -> Self {
        self.0.at_ms = Some(ms);
        self
    }

    /// Sets what the person wrote, such as the text of a reply. A blank text is none.
    #[must_use]
    pub fn note(mut self, text: &str) -> Self {
        self.0.note = shortened(text, MAX_NOTE_LENGTH);
        self
    }

    pub(crate) fn details(&self) -> &ProofDetails {
        &self.0
    }

    #[cfg(feature = "testing")]
    pub(crate) fn of(details: ProofDetails) -> Self {
        Self(details)
    }
}

fn shortened(text: &str, limit: usize) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(limit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use annunciator_core::proofs::PROOF_DETAILS_LIMIT;

    #[test]
    fn blank_texts_are_none_and_long_ones_fit_what_a_host_reads() {
        let nothing = Acknowledgement::default().by(" ").note("\n");
        assert_eq!(nothing, Acknowledgement::default());
        // JSON escapes these with six bytes each.
        let longest = "\u{1}".repeat(MAX_NOTE_LENGTH + 1);
        let acknowledgement = Acknowledgement::default().by(&longest).note(&longest);
        let json = acknowledgement.details().to_json();
        assert!(json.len() < PROOF_DETAILS_LIMIT, "{}", json.len());
        assert_eq!(
            ProofDetails::parse(&json).as_ref(),
            Some(acknowledgement.details())
        );
    }
}
