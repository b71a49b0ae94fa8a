//! Acceptance: how each delivery of a new notification begins.
//!
//! A delivery begins pending, begins in flight with a claim of the caller, or ends at once
//! because a rule suppresses it:
//!
//! - The caller may attempt it at once, which saves a claim, unless an earlier delivery of its
//!   lane has not ended: a lane keeps its order.
//! - The end of a problem always waits for a claim, since the state of the problem's own messages
//!   decides whether it is sent.
//! - A duplicate ends suppressed, and so does a message of a problem that somebody has taken over
//!   ([`acknowledgement`](super::acknowledgement)), and what the caller's own rule suppresses; only
//!   the latter may join a [`digest`](super::digest).
//!
//! Deduplication: a channel is not sent the same twice within its window, but only as long as
//! people know of the first or will know of it. A first message that failed, expired or was
//! suppressed has informed nobody, and must not silence the next one. The end of a problem closes
//! the window, since the same problem once more is news.

use crate::{
    Accepted, AcceptedDelivery, Begin, DedupWindow, Digest, Intake, Intent, State, Superseded,
};

/// Facts about one intent, which a store fetches where the functions below say so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The rule by which the acknowledgement of the incident suppresses the notification, if it
    /// does: see [`acknowledgement::on_acceptance`](super::acknowledgement::on_acceptance).
    pub acknowledged: Option<&'a str>,
    /// Whether an earlier delivery of the lane has not ended on this channel. Fetched if
    /// [`is_lane_needed`] says so, else `false`.
    pub is_lane_busy: bool,
    /// The earlier delivery in the deduplication window, if there is one. Fetched if
    /// [`window_to_look_up`] says so.
    pub earlier: Option<Earlier>,
}

/// How a delivery begins. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning<'a> {
    /// Pending, in flight or suppressed.
    pub state: State,
    /// The rule that suppresses it; else empty.
    pub why: &'a str,
    /// When it may first be claimed.
    pub due_ms: i64,
    /// When it ended, if it has.
    pub ended_ms: Option<i64>,
    /// When the caller's claim runs out, if it is in flight.
    pub lease_until_ms: Option<i64>,
    /// The fence of the caller's claim: 1, or 0 if nobody holds it.
    pub fence: i64,
    /// The digest that is to report it: a pending one, or else a new one
    /// ([`digest::gathering`](super::digest::gathering)).
    pub digest: Option<&'a Digest>,
    /// The deduplication window that it opens: the store records this delivery for its
    /// fingerprint.
    pub opens: Option<&'a DedupWindow>,
}

/// Returns whether [`Facts::is_lane_busy`] is needed to decide how an intent begins.
#[must_use]
pub fn is_lane_needed(intake: &Intake, intent: &Intent) -> bool {
    let is_claimed = matches!(intent.begin, Begin::Claimed { .. });
    is_claimed && !intake.lane.is_empty() && !intake.ends_a_problem()
}

/// Decides how the delivery of an intent begins.
#[must_use]
pub fn begin<'a>(intake: &Intake, intent: &'a Intent, facts: &Facts<'a>) -> Beginning<'a> {
    let now_ms = intake.accepted_ms;
    let pending = Beginning {
        state: State::Pending,
        why: "",
        due_ms: now_ms,
        ended_ms: None,
        lease_until_ms: None,
        fence: 0,
        digest: None,
        opens: intent.dedup.as_ref(),
    };
    let suppressed = |rule, digest| Beginning {
        state: State::Suppressed,
        why: rule,
        ended_ms: Some(now_ms),
        digest,
        opens: None,
        ..pending
    };
    if let Begin::Suppressed { rule, digest } = &intent.begin {
        return suppressed(rule, digest.as_ref());
    }
    if let Some(rule) = facts.acknowledged {
        return suppressed(rule, None);
    }
    let is_duplicate = |earlier| is_duplicate(earlier, now_ms);
    if let Some(window) = window_to_look_up(intake, intent)
        && facts.earlier.is_some_and(is_duplicate)
    {
        return suppressed(&window.rule, None);
    }
    match intent.begin {
        Begin::At(due_ms) => Beginning { due_ms, ..pending },
        Begin::Claimed { lease_until_ms } if !intake.ends_a_problem() && !facts.is_lane_busy => {
            Beginning {
                state: State::InFlight,
                lease_until_ms: Some(lease_until_ms),
                fence: 1,
                ..pending
            }
        }
        Begin::Claimed { .. } | Begin::Suppressed { .. } => pending,
    }
}

/// Returns the answer for the caller. A delivery of the notification itself that was superseded
/// shows that by its state, and is not listed among the superseded ones.
#[must_use]
pub fn answer(
    intake: &Intake,
    mut deliveries: Vec<AcceptedDelivery>,
    mut superseded: Vec<Superseded>,
) -> Accepted {
    for placed in &mut deliveries {
        let own = |other: &Superseded| other.delivery == placed.delivery;
        if let Some(own) = superseded.iter().position(own) {
            placed.state = State::Superseded;
            placed.why = superseded.remove(own).why.to_string();
        }
    }
    Accepted {
        notification: intake.notification.clone(),
        repeated: false,
        deliveries,
        superseded,
    }
}

/// Facts: the last delivery that was accepted with a fingerprint, on one channel and in one
/// incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    /// The state of that delivery.
    pub state: State,
    /// When its window closes, in milliseconds since the Unix epoch.
    pub until_ms: i64,
}

/// Returns whether the acceptance of a notification closes the windows of its incident on each of
/// its channels: it does if it ends a problem.
#[must_use]
pub fn closes_windows(intake: &Intake) -> bool {
    intake.ends_a_problem()
}

/// Returns the window for which a store fetches [`Earlier`] before it accepts an intent, or
/// `None` if that makes no difference.
#[must_use]
pub fn window_to_look_up<'a>(intake: &Intake, intent: &'a Intent) -> Option<&'a DedupWindow> {
    let window = intent.dedup.as_ref()?;
    (!intent.begin.is_suppressed() && !closes_windows(intake)).then_some(window)
}

/// Returns whether a delivery that is accepted now is a duplicate of the earlier one. A window
/// that closes at this very moment is closed.
#[must_use]
pub fn is_duplicate(earlier: Earlier, now_ms: i64) -> bool {
    let is_known = !earlier.state.has_ended() || earlier.state.may_have_arrived();
    earlier.until_ms > now_ms && is_known
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{DeliveryId, Kind, Severity};

    const NOW: i64 = 1_000;
    const CLAIMED: Begin = Begin::Claimed {
        lease_until_ms: NOW + 10,
    };

    /// A notification of an incident, in a lane of that name, without deliveries.
    pub(in crate::rules) fn intake(kind: Kind, incident: &str) -> Intake {
        Intake {
            notification: "n".to_owned(),
            key: None,
            host: String::new(),
            incident: incident.to_owned(),
            lane: incident.to_owned(),
            kind,
            severity: Severity::Info,
            accepted_ms: NOW,
            content: "{}".into(),
            intents: vec![],
        }
    }

    fn intent(begin: Begin) -> Intent {
        Intent {
            channel: "a".into(),
            expires_ms: None,
            begin,
            step: None,
            dedup: None,
        }
    }

    fn once(begin: Begin) -> Intent {
        let once = DedupWindow {
            fingerprint: 1,
            until_ms: NOW + 5,
            rule: "dedup: 5ms".to_owned(),
        };
        Intent {
            dedup: Some(once),
            ..intent(begin)
        }
    }

    #[test]
    fn whoever_accepts_holds_it_where_its_lane_is_free() {
        let problem = intake(Kind::Problem, "i");
        let claimed = intent(CLAIMED);
        assert!(is_lane_needed(&problem, &claimed));
        assert!(!is_lane_needed(&problem, &intent(Begin::At(NOW))));
        assert!(!is_lane_needed(&intake(Kind::Message, ""), &claimed));
        let free = begin(&problem, &claimed, &Facts::default());
        assert_eq!(
            (free.state, free.lease_until_ms, free.fence),
            (State::InFlight, Some(NOW + 10), 1)
        );
        let busy = Facts {
            is_lane_busy: true,
            ..Facts::default()
        };
        let waits = begin(&problem, &claimed, &busy);
        assert_eq!((waits.state, waits.fence), (State::Pending, 0));
        assert_eq!(waits.due_ms, NOW);
    }

    #[test]
    fn the_end_of_a_problem_waits_for_a_claim_even_in_a_free_lane() {
        let recovery = intake(Kind::Recovery, "i");
        let claimed = intent(CLAIMED);
        let begun = begin(&recovery, &claimed, &Facts::default());
        assert_eq!(begun.state, State::Pending);
        let of_nothing = intake(Kind::Recovery, "");
        let begun = begin(&of_nothing, &claimed, &Facts::default());
        assert_eq!(begun.state, State::InFlight);
    }

    #[test]
    fn what_is_to_wait_is_due_when_it_was_said() {
        let later = intent(Begin::At(NOW + 7));
        let begun = begin(&intake(Kind::Message, ""), &later, &Facts::default());
        assert_eq!((begun.state, begun.due_ms), (State::Pending, NOW + 7));
    }

    #[test]
    fn a_duplicate_ends_suppressed_by_its_window_s_rule_and_opens_none() {
        let message = intake(Kind::Message, "");
        let earlier = |until_ms| Facts {
            earlier: Some(Earlier {
                state: State::Delivered,
                until_ms,
            }),
            ..Facts::default()
        };
        let intent = once(CLAIMED);
        let duplicate = begin(&message, &intent, &earlier(NOW + 1));
        assert_eq!(
            (duplicate.state, duplicate.why, duplicate.ended_ms),
            (State::Suppressed, "dedup: 5ms", Some(NOW))
        );
        assert_eq!((duplicate.fence, duplicate.opens), (0, None));
        let news = begin(&message, &intent, &earlier(NOW));
        assert_eq!(
            (news.state, news.opens),
            (State::InFlight, intent.dedup.as_ref())
        );
    }

    #[test]
    fn what_somebody_has_taken_over_is_suppressed_and_in_no_digest() {
        let reminder = intake(Kind::Problem, "i");
        let facts = Facts {
            acknowledged: Some("acknowledged: by anna"),
            ..Facts::default()
        };
        let intent = once(CLAIMED);
        let begun = begin(&reminder, &intent, &facts);
        assert_eq!(
            (begun.state, begun.why, begun.fence),
            (State::Suppressed, "acknowledged: by anna", 0)
        );
        assert_eq!((begun.digest, begun.opens), (None, None));
        let silenced = Intent {
            begin: Begin::Suppressed {
                rule: "silenced".to_owned(),
                digest: None,
            },
            ..intent
        };
        assert_eq!(begin(&reminder, &silenced, &facts).why, "silenced");
    }

    #[test]
    fn what_a_rule_keeps_back_goes_into_its_digest_whatever_came_before() {
        let digest = Digest {
            batch_key: "g".to_owned(),
            notification: "d".to_owned(),
            content: "{}".into(),
            due_ms: NOW + 100,
            expires_ms: None,
        };
        let suppressed = once(Begin::Suppressed {
            rule: "rate".to_owned(),
            digest: Some(digest.clone()),
        });
        let message = intake(Kind::Message, "");
        assert_eq!(window_to_look_up(&message, &suppressed), None);
        let begun = begin(&message, &suppressed, &Facts::default());
        assert_eq!((begun.state, begun.why), (State::Suppressed, "rate"));
        assert_eq!((begun.digest, begun.opens), (Some(&digest), None));
    }

    #[test]
    fn the_end_of_a_problem_is_no_duplicate_and_makes_the_next_problem_news() {
        let recovery = intake(Kind::Recovery, "i");
        let ends = once(Begin::At(NOW));
        assert!(closes_windows(&recovery));
        assert_eq!(window_to_look_up(&recovery, &ends), None);
        assert!(!closes_windows(&intake(Kind::Problem, "i")));
        assert!(!closes_windows(&intake(Kind::Recovery, "")));
    }

    #[test]
    fn what_it_superseded_of_its_own_is_a_state_and_no_news() {
        let placed = |number| AcceptedDelivery {
            delivery: DeliveryId(number),
            channel: Arc::from("a"),
            state: State::Pending,
            why: String::new(),
            fence: 0,
            step: None,
            proof: None,
        };
        let superseded = |number| Superseded {
            delivery: DeliveryId(number),
            why: "over".into(),
        };
        let answer = answer(
            &intake(Kind::Recovery, "i"),
            vec![placed(2), placed(3)],
            vec![superseded(1), superseded(2)],
        );
        let states: Vec<State> = answer.deliveries.iter().map(|one| one.state).collect();
        assert_eq!(states, [State::Superseded, State::Pending]);
        assert_eq!(answer.deliveries[0].why, "over");
        assert_eq!(answer.superseded, [superseded(1)]);
    }

    fn known(state: State) -> Earlier {
        Earlier {
            state,
            until_ms: NOW + 1,
        }
    }

    #[test]
    fn what_is_on_its_way_or_may_have_arrived_keeps_back_the_same() {
        for state in State::ALL {
            let expected = matches!(
                state,
                State::Pending | State::InFlight | State::Delivered | State::Unknown
            );
            assert_eq!(is_duplicate(known(state), NOW), expected, "{state}");
        }
    }

    #[test]
    fn a_window_that_ends_now_is_over() {
        let over = Earlier {
            until_ms: NOW,
            ..known(State::Delivered)
        };
        assert!(!is_duplicate(over, NOW));
    }
}
