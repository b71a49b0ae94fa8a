//! A proof that a provider has reported, with what is known of the person who gave it.

use std::sync::Arc;

use annunciator_core::proofs::ProofDetails;
use annunciator_store::DeliveryId;

use crate::{event::Proof, line::printable};

/// The maximum length of a person's name, in characters. A longer one is truncated.
const MAX_NAME_LENGTH: usize = 200;

/// A proof of a delivery. The texts are fit for one line, and bounded: the name by
/// [`MAX_NAME_LENGTH`], the note as [`printable`] bounds every text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) delivery: DeliveryId,
    pub(crate) proof: Proof,
    /// The name of the person, as the channel's service knows it.
    pub(crate) by: Option<Arc<str>>,
    /// When the person did it, in milliseconds since the Unix epoch, by the service's clock. It is
    /// for people: that clock may differ from the engine's.
    pub(crate) at_ms: Option<i64>,
    /// What the person wrote.
    pub(crate) note: Option<Arc<str>>,
}

impl Proven {
    /// Creates a proof of which nothing more is known.
    pub(crate) fn new(delivery: DeliveryId, proof: Proof) -> Self {
        Self {
            delivery,
            proof,
            by: None,
            at_ms: None,
            note: None,
        }
    }

    /// Adds what the plugin reports of the person. Text that cannot be read adds nothing: an
    /// acknowledgement is worth more than its details.
    pub(crate) fn with_details(mut self, json: &str) -> Self {
        let Some(details) = ProofDetails::parse(json) else {
            tracing::debug!(delivery = %self.delivery, "the details of a proof cannot be read");
            return self;
        };
        let name = details.by.as_deref().and_then(text);
        self.by = name.map(|name| {
            name.chars()
                .take(MAX_NAME_LENGTH)
                .collect::<String>()
                .into()
        });
        self.at_ms = details.at_ms;
        self.note = details.note.as_deref().and_then(text).map(Arc::from);
        self
    }
}

/// Returns a remote's text as one line, or `None` if it is blank.
fn text(raw: &str) -> Option<String> {
    let line = printable(raw).trim().to_owned();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Proven {
        Proven::new(DeliveryId(7), Proof::Acknowledged).with_details(json)
    }

    #[test]
    fn what_a_person_writes_fits_into_one_line() {
        let read =
            read(r#"{"by": "an\u202ena\n", "at_ms": 5, "note": "on it,\nback\u001b[2J soon"}"#);
        assert_eq!(read.by.as_deref(), Some("an na"));
        assert_eq!(read.at_ms, Some(5));
        assert_eq!(read.note.as_deref(), Some("on it, back [2J soon"));
    }

    #[test]
    fn details_that_are_blank_or_unreadable_leave_the_proof_as_it_is() {
        let plain = Proven::new(DeliveryId(7), Proof::Acknowledged);
        for json in [
            "",
            "{}",
            "nonsense",
            r#"{"by": 7}"#,
            r#"{"by": " ", "note": "\n"}"#,
        ] {
            assert_eq!(read(json), plain, "{json}");
        }
    }

    #[test]
    fn long_texts_are_bounded() {
        let json = format!(r#"{{"by": "{0}", "note": "{0}"}}"#, "ü".repeat(3000));
        let read = read(&json);
        assert_eq!(read.by.unwrap().chars().count(), MAX_NAME_LENGTH);
        assert_eq!(read.note.unwrap().chars().count(), 1001);
    }
}
