//! The conformance suite of stores: what every store must do, in whichever way it holds its data.
//!
//! Each situation is a function that gets a store of its own;
//! [`store_suite!`](crate::store_suite) makes a test of each. A situation opens the store twice
//! where another process could, so that a store that relies on being the only user fails.

#![expect(clippy::unwrap_used, reason = "a situation fails by panicking")]

pub mod acknowledging;
pub mod agree;
mod asks;
pub mod claiming;
pub mod digests;
pub mod ending;
pub mod following;
pub mod incidents;
pub mod knowing;
pub mod model;
pub mod once;
pub mod steps;
pub mod taking;

use std::{fmt, future::Future, sync::Arc};

use annunciator_store::{
    Accepted, Begin, Claim, ClaimRequest, DeliveryId, Intake, Intent, Kind, Next, Prune, Query,
    Record, Settled, Settlement, Severity, State, Store, Superseded,
};

/// Makes a test of each situation. The argument is an expression that returns a [`Subject`].
#[macro_export]
macro_rules! store_suite {
    ($subject:expr) => {
        $crate::store_suite! { $subject;
            taking: what_was_accepted_is_there_whole, a_key_is_accepted_once,
                a_key_stands_for_one_notification,
                one_key_from_many_sides_is_accepted_once, a_rule_that_keeps_it_back_is_named,
                whoever_accepts_may_hold_it_at_once;
            claiming: each_is_claimed_once_whoever_asks, the_worst_come_first_then_the_oldest,
                what_is_due_later_waits, what_expires_next_is_known, a_lane_keeps_its_order, a_lane_holds_up_nobody_else,
                a_channel_whose_lanes_all_wait_is_not_ready,
                what_is_accepted_behind_its_lane_waits, a_claim_that_ran_out_is_another_s,
                what_its_holder_still_works_on_is_not_claimed_again,
                what_its_holder_still_works_on_takes_no_place, the_worst_of_all_holders_come_first, only_what_is_too_late_is_claimed_if_that_is_wanted,
                many_at_once_claim_each_once;
            ending: what_came_of_it_is_recorded, an_attempt_that_is_free_does_not_count,
                targets_that_are_left_come_back,
                a_stale_fence_is_refused_and_counted, what_failed_can_be_had_tried_again,
                what_has_ended_is_deleted_when_it_is_old,
                what_is_beyond_the_newest_is_deleted, what_was_deleted_counts_as_newer,
                the_accounts_agree_whatever_happens;
            incidents: a_problem_that_is_over_before_anybody_was_notified, a_recovery_of_what_people_were_notified_of,
                a_recovery_while_the_problem_is_in_flight, a_recovery_of_what_failed,
                a_recovery_is_judged_before_it_is_tried,
                a_recovery_of_what_nobody_knows, a_recovery_of_a_problem_that_was_suppressed,
                a_recovery_of_what_may_have_arrived_and_waits_again, a_second_recovery_of_what_is_over,
                a_problem_after_the_recovery,
                channels_that_know_and_channels_that_don_t;
            steps: a_step_that_is_enough_ends_the_others, the_next_step_has_its_time,
                the_next_step_begins_when_none_can_be_enough, what_is_proven_later_is_enough_too,
                a_step_that_is_to_be_tried_again_is_not_when_another_was_enough,
                groups_of_one_notification_know_nothing_of_each_other,
                a_recovery_ends_steps_that_wait,
                a_key_that_is_used_again_has_the_steps_and_proofs_of_the_first_time;
            digests: what_is_suppressed_is_gathered_in_one_digest, a_digest_that_is_sent_takes_no_more,
                what_is_suppressed_when_its_turn_comes_is_gathered_too,
                an_end_follows_the_digest_that_notified_of_the_problem,
                a_problem_that_ends_before_its_digest_is_over,
                an_end_waits_while_the_problem_s_digest_is_in_flight,
                an_end_waits_for_the_last_of_the_problem_s_digests,
                an_end_follows_the_first_digest_that_arrives,
                an_end_follows_a_digest_that_was_abandoned,
                what_a_digest_is_to_summarise_is_not_deleted;
            acknowledging: a_reminder_of_what_somebody_has_taken_over_is_suppressed,
                what_gets_worse_is_sent_although_somebody_has_taken_over,
                the_end_of_a_problem_ends_its_acknowledgement,
                an_acknowledgement_ends_at_its_time, an_acknowledgement_can_be_withdrawn,
                steps_that_wait_are_superseded_when_somebody_has_taken_over,
                a_channel_that_was_not_notified_yet_still_gets_its_first_message,
                a_step_in_flight_is_not_tried_again_when_somebody_has_taken_over,
                channels_that_were_notified_are_told_once_who_has_taken_over,
                whoever_takes_over_next_is_announced_too,
                a_delivery_is_acknowledged_with_its_problem,
                what_is_not_open_is_not_acknowledged,
                a_later_problem_of_the_same_name_is_not_silenced,
                open_incidents_are_listed_the_most_severe_first,
                what_has_ended_is_not_open_although_a_channel_was_not_notified_of_the_end;
            following: whoever_follows_from_now_on_sees_what_comes_and_nothing_before,
                acknowledgements_are_followed_too, a_cursor_that_this_store_never_gave_has_a_gap,
                a_page_of_changes_ends_at_its_limit_and_the_next_begins_there;
            once: the_same_is_sent_once_within_its_window, what_failed_does_not_keep_back_the_next,
                the_end_of_a_problem_makes_the_next_news;
            knowing: values_are_kept_by_channel_and_key, of_too_many_values_the_oldest_goes, deliveries_are_found_by_what_is_known_of_them, pages_follow_one_another;
        }
    };
    ($subject:expr; $($module:ident: $($situation:ident),+;)+) => {
        $($(
            #[test]
            fn $situation() {
                $crate::stores::run(async {
                    let subject = $subject;
                    $crate::stores::$module::$situation(&subject).await;
                });
            }
        )+)+
    };
}

/// Runs a situation on a runtime of its own.
pub fn run(situation: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(situation);
}

/// A store under test.
pub trait Subject: fmt::Debug + Send + Sync {
    /// Opens the store as another process would. All handles are on the same store.
    fn open(&self) -> Arc<dyn Store>;
}

/// The time of the situations, in milliseconds since the Unix epoch; any would do.
pub const NOW: i64 = 1_700_000_000_000;
/// A later time, at which no claim has run out.
pub const LATER: i64 = NOW + 60_000;

/// Returns a notification without incident and lane, with a delivery for each channel that is due
/// at once.
#[must_use]
pub fn intake(name: &str, channels: &[&str]) -> Intake {
    let intents = channels.iter().map(|channel| Intent {
        channel: Arc::from(*channel),
        expires_ms: None,
        begin: Begin::At(NOW),
        step: None,
        dedup: None,
    });
    Intake {
        notification: name.to_owned(),
        key: None,
        host: "web-01".to_owned(),
        incident: String::new(),
        lane: String::new(),
        kind: Kind::Message,
        severity: Severity::Info,
        accepted_ms: NOW,
        content: Arc::from(format!("{{\"body\":\"{name}\"}}")),
        intents: intents.collect(),
    }
}

/// Returns such a notification of an incident.
#[must_use]
pub fn of_incident(name: &str, kind: Kind, channels: &[&str]) -> Intake {
    Intake {
        kind,
        incident: "web-01/cpu".to_owned(),
        lane: "web-01/cpu".to_owned(),
        ..intake(name, channels)
    }
}

/// Accepts a notification.
pub async fn accept(store: &Arc<dyn Store>, intake: Intake) -> Accepted {
    store.accept(intake).await.unwrap()
}

/// Claims at most ten due deliveries of a channel.
pub async fn claim(store: &Arc<dyn Store>, channel: &str) -> Vec<Claim> {
    claim_at(store, channel, NOW).await
}

/// Does the same at another time.
pub async fn claim_at(store: &Arc<dyn Store>, channel: &str, now_ms: i64) -> Vec<Claim> {
    let wanted = ClaimRequest {
        channel: Arc::from(channel),
        limit: 10,
        now_ms,
        lease_until_ms: now_ms + (LATER - NOW),
        in_flight: Vec::new(),
        only_expired: false,
    };
    store.claim(wanted).await.unwrap()
}

/// Returns the content of a claim, which is its notification's name.
#[must_use]
pub fn names(claims: &[Claim]) -> Vec<String> {
    claims
        .iter()
        .map(|claim| {
            let json: serde_json::Value = serde_json::from_str(&claim.content).unwrap();
            json["body"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Ends a claim in a state, and returns the deliveries that this superseded.
pub async fn end(store: &Arc<dyn Store>, claim: &Claim, state: State) -> Vec<DeliveryId> {
    let next = Next::End {
        state,
        why: String::new(),
        targets: Vec::new(),
    };
    recorded(settle(store, claim, next).await)
}

/// Settles a claim so that the delivery is tried again at once.
pub async fn again(store: &Arc<dyn Store>, claim: &Claim) -> Vec<DeliveryId> {
    let next = Next::Retry {
        at_ms: NOW,
        targets: Vec::new(),
    };
    recorded(settle(store, claim, next).await)
}

/// Settles a claim.
pub async fn settle(store: &Arc<dyn Store>, claim: &Claim, next: Next) -> Settled {
    let settlement = Settlement {
        delivery: claim.delivery,
        fence: claim.fence,
        now_ms: NOW,
        attempt: None,
        proof: None,
        is_uncounted: false,
        may_have_arrived: false,
        next,
    };
    store.settle(settlement).await.unwrap()
}

fn recorded(settled: Settled) -> Vec<DeliveryId> {
    match settled {
        Settled::Recorded { superseded } => numbers(superseded),
        Settled::Stale => panic!("the settlement was refused"),
    }
}

/// Returns the numbers of superseded deliveries.
pub(crate) fn numbers(superseded: Vec<Superseded>) -> Vec<DeliveryId> {
    superseded.into_iter().map(|one| one.delivery).collect()
}

/// Deletes notifications that were accepted before a time, and returns how many.
pub async fn prune(store: &Arc<dyn Store>, accepted_before_ms: i64, limit: u32) -> u64 {
    let prune = Prune {
        now_ms: NOW,
        accepted_before_ms,
        beyond: u64::MAX,
        limit,
    };
    store.prune(prune).await.unwrap()
}

/// Returns all deliveries, the newest first.
pub async fn all(store: &Arc<dyn Store>) -> Vec<Record> {
    let query = Query {
        limit: 10_000,
        ..Query::default()
    };
    store.deliveries(query).await.unwrap()
}

/// Returns the state of a notification's delivery to a channel.
pub async fn state(store: &Arc<dyn Store>, name: &str, channel: &str) -> State {
    let all = all(store).await;
    let mut found = all
        .iter()
        .filter(|record| record.notification == name && record.channel == channel);
    found.next().unwrap().state
}
