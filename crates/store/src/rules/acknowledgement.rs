//! Acknowledgements: what changes for an incident when a person has taken it over.
//!
//! Whoever has taken over needs no reminders, and nobody else needs to be called: further messages
//! of the problem are suppressed, and those that wait are superseded, except for the first
//! message on a channel that was not notified yet, which is a record and not a call. An
//! acknowledgement belongs to the problem as the person saw it. It ends when the problem does, when
//! the problem gets worse, and at a time that the person may set. A problem that is not known on
//! any channel has none, so that no later problem is silenced by it.

use std::cmp::Reverse;

use super::{
    change::Change,
    incident::{Incident, OpenDelivery},
};
use crate::{
    AcknowledgeRequest, Acknowledgement, Intake, Intent, Kind, OpenIncident, Severity, State,
};

/// The milliseconds of a minute and of a day.
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Returns an acknowledgement if it is in force at a time: one that ends at this very moment has
/// ended.
#[must_use]
pub fn in_force(stored: Option<Acknowledgement>, now_ms: i64) -> Option<Acknowledgement> {
    stored.filter(|stored| stored.until_ms.is_none_or(|until_ms| until_ms > now_ms))
}

/// Returns the acknowledgement that a request leads to. `before` is the one that is in force;
/// `severity` is that of the newest notification of the problem, or `None` if that is not stored
/// any more, so that any other message ends it.
#[must_use]
pub fn recorded(
    before: Option<&Acknowledgement>,
    request: &AcknowledgeRequest,
    severity: Option<Severity>,
) -> Acknowledgement {
    let own = before.filter(|before| before.by == request.by);
    Acknowledgement {
        by: request.by.clone(),
        via: own.map_or(&request.via, |own| &own.via).clone(),
        note: request.note.clone(),
        at_ms: own.map_or(request.now_ms, |own| own.at_ms),
        until_ms: request.until_ms,
        severity: severity.unwrap_or(Severity::Info),
    }
}

/// Returns whether the problem has ended: whoever takes it over while its end waits to be delivered
/// would silence the next problem.
///
/// `later` is the kind of the incident's newest problem or recovery among those that were accepted
/// after the newest of which a channel knows. That one may be deleted, so that an older recovery is
/// the newest that is stored.
#[must_use]
pub fn has_ended(later: Option<Kind>) -> bool {
    later == Some(Kind::Recovery)
}

/// Returns whether people are to be notified of who has taken over: not of what they know.
#[must_use]
pub fn is_news(before: Option<&Acknowledgement>, request: &AcknowledgeRequest) -> bool {
    before.is_none_or(|before| before.by != request.by)
}

/// Returns the notice for the channels that get it: those that were notified of the problem, and
/// those on which a message of it is in flight. `None` if there is none. `knows` answers that for
/// a channel.
#[must_use]
pub fn notice(
    request: &AcknowledgeRequest,
    mut knows: impl FnMut(&Intent) -> bool,
) -> Option<Intake> {
    let notice = request.notice.as_ref()?;
    let intents = notice.intents.iter().filter(|intent| knows(intent));
    let intents: Vec<Intent> = intents.cloned().collect();
    (!intents.is_empty()).then(|| Intake {
        key: None,
        intents,
        ..notice.clone()
    })
}

/// Returns whether people know of a problem on a channel, or are about to.
#[must_use]
pub fn is_known(known: Option<Incident>, open: &[OpenDelivery]) -> bool {
    let in_flight = |one: &OpenDelivery| one.kind == Kind::Problem && one.state == State::InFlight;
    known.is_some_and(|known| known.is_notified) || open.iter().any(in_flight)
}

/// What the acceptance of a notification means for the acknowledgement of its incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnAcceptance {
    /// Nothing: it does not report a problem or its end, or there is no acknowledgement.
    Nothing,
    /// The acknowledgement has ended and is deleted: the notification ends the problem, or reports
    /// that it is worse, or comes after the acknowledgement's own end.
    Ends,
    /// The notification's deliveries end suppressed, by this rule.
    Suppresses(String),
}

/// Decides by the stored acknowledgement of a notification's incident, in force or not.
#[must_use]
pub fn on_acceptance(stored: Option<Acknowledgement>, intake: &Intake) -> OnAcceptance {
    if stored.is_none() || intake.incident.is_empty() || intake.kind == Kind::Message {
        return OnAcceptance::Nothing;
    }
    let Some(valid) = in_force(stored, intake.accepted_ms) else {
        return OnAcceptance::Ends;
    };
    match intake.kind {
        Kind::Problem if intake.severity <= valid.severity => {
            OnAcceptance::Suppresses(rule(&valid))
        }
        Kind::Problem | Kind::Recovery => OnAcceptance::Ends,
        Kind::Message | Kind::Test => OnAcceptance::Nothing,
    }
}

/// Returns the rule by which reminders are suppressed, as people read it.
fn rule(valid: &Acknowledgement) -> String {
    let minutes = valid.at_ms.rem_euclid(DAY_MS) / MINUTE_MS;
    let (hour, minute) = (minutes / 60, minutes % 60);
    format!("acknowledged: by {}, {hour:02}:{minute:02} UTC", valid.by)
}

/// Returns the reason for which what waits is superseded.
fn taken_over(valid: &Acknowledgement) -> String {
    format!("taken over by {}", valid.by)
}

/// Returns whether a review needs the acknowledgement: it does if a message of a problem waits.
#[must_use]
pub fn is_needed(open: &[OpenDelivery]) -> bool {
    open.iter().any(|one| one.is_pending(Kind::Problem))
}

/// Returns the sort key by which open incidents are listed: the most severe first, then the
/// oldest.
#[must_use]
pub fn order(incident: &OpenIncident) -> (Reverse<Severity>, i64, &str) {
    (
        Reverse(incident.severity),
        incident.since_ms,
        &incident.incident,
    )
}

/// Reviews an incident on a channel: which of its pending messages nobody needs any more. `open`
/// lists its deliveries that have not ended, the oldest first.
#[must_use]
pub fn review(
    valid: Option<&Acknowledgement>,
    known: Option<Incident>,
    open: &[OpenDelivery],
) -> Vec<Change> {
    let Some(valid) = valid else {
        return Vec::new();
    };
    let is_notified = known.is_some_and(|known| known.is_notified);
    let pending = open.iter().filter(|one| one.is_pending(Kind::Problem));
    let needless = pending.filter(|one| one.is_step || is_notified);
    Change::supersede(needless.map(|one| one.delivery), &taken_over(valid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AcknowledgeTarget, Begin, DeliveryId, Superseded,
        rules::{
            accept::tests::intake,
            incident::tests::{known, open},
        },
    };

    const NOW: i64 = 1_000;

    fn request(by: &str) -> AcknowledgeRequest {
        AcknowledgeRequest {
            target: AcknowledgeTarget::Incident("i".to_owned()),
            by: by.to_owned(),
            via: "page".to_owned(),
            note: "looking".to_owned(),
            now_ms: NOW,
            until_ms: None,
            notice: None,
        }
    }

    fn by_anna() -> Acknowledgement {
        let warning = Some(Severity::Warning);
        recorded(None, &request("anna"), warning)
    }

    fn problem(severity: Severity) -> Intake {
        Intake {
            severity,
            ..intake(Kind::Problem, "i")
        }
    }

    #[test]
    fn a_reminder_is_suppressed_by_who_has_taken_over_and_when() {
        let stored = Acknowledgement {
            // 1970-01-02, 13:20:59.
            at_ms: DAY_MS + (13 * 60 + 20) * MINUTE_MS + 59_000,
            ..by_anna()
        };
        for severity in [Severity::Info, Severity::Warning] {
            assert_eq!(
                on_acceptance(Some(stored.clone()), &problem(severity)),
                OnAcceptance::Suppresses("acknowledged: by anna, 13:20 UTC".to_owned())
            );
        }
    }

    #[test]
    fn the_end_of_the_problem_and_a_worse_one_end_it() {
        let ends = [problem(Severity::Critical), intake(Kind::Recovery, "i")];
        for intake in ends {
            assert_eq!(
                on_acceptance(Some(by_anna()), &intake),
                OnAcceptance::Ends,
                "{intake:?}"
            );
        }
        let message = intake(Kind::Message, "i");
        assert_eq!(
            on_acceptance(Some(by_anna()), &message),
            OnAcceptance::Nothing
        );
        assert_eq!(
            on_acceptance(None, &problem(Severity::Info)),
            OnAcceptance::Nothing
        );
    }

    #[test]
    fn it_ends_at_the_time_that_the_person_has_set() {
        let until = |until_ms| {
            Some(Acknowledgement {
                until_ms: Some(until_ms),
                ..by_anna()
            })
        };
        assert_eq!(in_force(until(NOW), NOW), None);
        assert_eq!(in_force(until(NOW + 1), NOW), until(NOW + 1));
        assert_eq!(
            on_acceptance(until(NOW), &problem(Severity::Info)),
            OnAcceptance::Ends
        );
    }

    #[test]
    fn the_same_person_changes_the_note_and_another_takes_over() {
        let before = Acknowledgement {
            at_ms: 7,
            via: "mail".to_owned(),
            ..by_anna()
        };
        let again = recorded(Some(&before), &request("anna"), Some(Severity::Critical));
        assert_eq!((again.at_ms, &*again.via), (7, "mail"));
        assert_eq!(
            (again.severity, &*again.note),
            (Severity::Critical, "looking")
        );
        assert!(!is_news(Some(&before), &request("anna")));
        let other = recorded(Some(&before), &request("bob"), None);
        assert_eq!(
            (other.at_ms, &*other.via, other.severity),
            (NOW, "page", Severity::Info)
        );
        assert!(is_news(Some(&before), &request("bob")) && is_news(None, &request("bob")));
    }

    #[test]
    fn what_waits_is_superseded_except_for_the_first_message_of_a_channel() {
        let mut waits = open(&[
            (Kind::Problem, State::InFlight),
            (Kind::Problem, State::Pending),
            (Kind::Recovery, State::Pending),
        ]);
        let superseded = Change::Supersede(Superseded {
            delivery: DeliveryId(2),
            why: "taken over by anna".into(),
        });
        let valid = by_anna();
        assert_eq!(review(None, known(true), &waits), []);
        assert_eq!(review(Some(&valid), known(false), &waits), []);
        assert_eq!(
            review(Some(&valid), known(true), &waits),
            std::slice::from_ref(&superseded)
        );
        waits[1].is_step = true;
        assert_eq!(review(Some(&valid), known(false), &waits), [superseded]);
    }

    #[test]
    fn the_notice_goes_to_the_channels_that_know_of_the_problem() {
        let intents = ["a", "b"].map(|channel| Intent {
            channel: channel.into(),
            expires_ms: None,
            begin: Begin::At(NOW),
            step: None,
            dedup: None,
        });
        let request = AcknowledgeRequest {
            notice: Some(Intake {
                key: Some("k".to_owned()),
                intents: intents.to_vec(),
                ..intake(Kind::Message, "i")
            }),
            ..request("anna")
        };
        let to_b = notice(&request, |intent| &*intent.channel == "b").unwrap();
        assert_eq!((to_b.key, to_b.intents), (None, vec![intents[1].clone()]));
        assert_eq!(notice(&request, |_| false), None);
        let flies = open(&[(Kind::Problem, State::InFlight)]);
        assert!(is_known(known(false), &flies) && is_known(known(true), &[]));
        assert!(!is_known(known(false), &[]));
    }
}
