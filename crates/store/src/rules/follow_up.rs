//! Follow-ups: which rules to call after a delivery changed, since its incident, the problems in
//! a digest, or its group may have to change with it.

use crate::Kind;

/// Facts: the properties of a delivery that matter to what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The notification's place in its incident.
    pub kind: Kind,
    /// Whether it belongs to an incident.
    pub has_incident: bool,
    /// Whether it is a digest.
    pub is_digest: bool,
    /// Whether it is a step of a group.
    pub is_step: bool,
}

/// The rule that a store calls next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// [`incident::problem_notified`](super::incident::problem_notified), for the delivery's own
    /// notification.
    ProblemNotified,
    /// The same, for each problem that the delivery, a digest, reports: with the newest
    /// notification of the problem in the digest.
    DigestNotified,
    /// [`incident::recovery_notified`](super::incident::recovery_notified).
    RecoveryNotified,
    /// [`Review`](super::review::Review) of the delivery's incident.
    ReviewIncident,
    /// For each problem that the delivery, a digest, reports: a
    /// [`Review`](super::review::Review), then [`release`](super::review::release).
    ReviewDigest,
    /// [`step::review`](super::step::review) of the delivery's group.
    ReviewGroup,
}

impl Subject {
    /// Returns the follow-ups of a delivery that may have arrived, by an attempt or through a
    /// holder that died: people may know of the problems that it reports. For the end of a
    /// problem there are none, since it may be sent once more.
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
