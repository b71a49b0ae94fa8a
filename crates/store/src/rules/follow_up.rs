//! What else is to be asked after a delivery changed: an incident, the problems in a
//! digest, or a group may have to follow.

use crate::Kind;

/// Facts: what a delivery is, as far as others follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Where in its incident it stands.
    pub kind: Kind,
    /// Whether it belongs to an incident.
    pub has_incident: bool,
    /// Whether it is a digest.
    pub is_digest: bool,
    /// Whether it is a step of a group.
    pub is_step: bool,
}

/// Something that a store does next, by the rule that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// [`incident::problem_notified`](super::incident::problem_notified), of the delivery's
    /// own notification.
    ProblemNotified,
    /// The same, for each problem of which the delivery, a digest, tells: by its newest
    /// notification there.
    DigestNotified,
    /// [`incident::recovery_notified`](super::incident::recovery_notified).
    RecoveryNotified,
    /// [`Review`](super::review::Review) of the delivery's incident.
    ReviewIncident,
    /// For each problem of which the delivery, a digest, tells: a
    /// [`Review`](super::review::Review), then [`release`](super::review::release).
    ReviewDigest,
    /// [`step::review`](super::step::review) of the delivery's group.
    ReviewGroup,
}

impl Subject {
    /// It may have arrived by an attempt, or in the hands of a holder who died: people may
    /// know of the problems of which it tells. An end says nothing here, since it may still be sent
    /// once more.
    #[must_use]
    pub fn may_have_arrived(&self) -> Option<FollowUp> {
        match self.kind {
            _ if self.is_digest => Some(FollowUp::DigestNotified),
            Kind::Problem if self.has_incident => Some(FollowUp::ProblemNotified),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_arrived_notifies_of_its_problem_and_a_digest_of_all_of_its() {
        let subject = |kind, has_incident, is_digest| Subject {
            kind,
            has_incident,
            is_digest,
            is_step: false,
        };
        for (subject, expected) in [
            (
                subject(Kind::Problem, true, false),
                Some(FollowUp::ProblemNotified),
            ),
            (
                subject(Kind::Message, false, true),
                Some(FollowUp::DigestNotified),
            ),
            (subject(Kind::Problem, false, false), None),
            (subject(Kind::Recovery, true, false), None),
            (subject(Kind::Message, true, false), None),
        ] {
            assert_eq!(subject.may_have_arrived(), expected, "{subject:?}");
        }
    }
}
