//! Digests: one message in place of many that a rule suppresses.
//!
//! A suppressed delivery joins the pending digest with its batch key on its channel, so that
//! people read one message and not one for each. A digest takes in more until it is due or was
//! tried: what was sent, or may have been, can't grow. What is suppressed after that begins
//! another. A digest is a delivery of its own, without host, incident or lane: nothing supersedes
//! it, and nothing waits for it except the ends of the problems in it
//! ([`review`](super::review)).

use std::sync::Arc;

use crate::{Begin, DeliveryId, Digest, Intake, Intent, Kind, Severity};

/// Facts: a pending digest on a channel, with the batch key of what is suppressed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingDigest {
    /// The digest's delivery.
    pub delivery: DeliveryId,
    /// The number of attempts.
    pub attempts: u32,
    /// When it is due, in milliseconds since the Unix epoch.
    pub due_ms: i64,
}

/// Returns the digest that takes in what is suppressed now, given the pending ones of its channel
/// and batch key, the oldest first; `None` if a new one is to be accepted ([`intake`]).
#[must_use]
pub fn gathering(
    pending: impl IntoIterator<Item = PendingDigest>,
    now_ms: i64,
) -> Option<DeliveryId> {
    let takes_more = |digest: &PendingDigest| digest.attempts == 0 && digest.due_ms > now_ms;
    pending.into_iter().find(takes_more).map(|one| one.delivery)
}

/// Returns the notification as which a new digest is accepted, with its one delivery. It counts
/// as accepted, and opens no deduplication window.
#[must_use]
pub fn intake(digest: &Digest, channel: &Arc<str>, now_ms: i64) -> Intake {
    Intake {
        notification: digest.notification.clone(),
        key: None,
        host: String::new(),
        incident: String::new(),
        lane: String::new(),
        kind: Kind::Message,
        severity: Severity::Info,
        accepted_ms: now_ms,
        content: Arc::clone(&digest.content),
        intents: vec![Intent {
            channel: Arc::clone(channel),
            expires_ms: digest.expires_ms,
            begin: Begin::At(digest.due_ms),
            step: None,
            dedup: None,
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000;

    fn pending(delivery: i64, attempts: u32, due_ms: i64) -> PendingDigest {
        PendingDigest {
            delivery: DeliveryId(delivery),
            attempts,
            due_ms,
        }
    }

    #[test]
    fn the_oldest_that_waits_takes_more() {
        let waiting = [pending(1, 0, NOW + 1), pending(2, 0, NOW + 9)];
        assert_eq!(gathering(waiting, NOW), Some(DeliveryId(1)));
    }

    #[test]
    fn one_that_was_tried_or_is_due_takes_no_more() {
        let full = [pending(1, 1, NOW + 1), pending(2, 0, NOW)];
        assert_eq!(gathering(full, NOW), None);
        let another = full.into_iter().chain([pending(3, 0, NOW + 1)]);
        assert_eq!(gathering(another, NOW), Some(DeliveryId(3)));
    }

    #[test]
    fn a_new_one_waits_on_its_channel_and_belongs_to_nothing() {
        let digest = Digest {
            batch_key: "g".to_owned(),
            notification: "d".to_owned(),
            content: "{}".into(),
            due_ms: NOW + 100,
            expires_ms: Some(NOW + 200),
        };
        let intake = intake(&digest, &Arc::from("a"), NOW);
        assert_eq!((intake.incident, intake.lane), Default::default());
        let [intent] = &intake.intents[..] else {
            panic!("one delivery: {:?}", intake.intents);
        };
        assert_eq!(intent.begin, Begin::At(NOW + 100));
        assert_eq!(intent.expires_ms, Some(NOW + 200));
    }
}
