//! Escalation groups: channels that are tried one after the other until one of them has proven
//! enough.

use std::sync::Arc;

use annunciator_store::{
    Begin, Claim, DeliveryId, Intake, Intent, Kind, Next, Proof, Settled, Settlement, State, Step,
    Store,
};

use super::{
    NOW, Subject, accept, again, all, claim, claim_at, end, intake, numbers, of_incident, state,
};

/// The time of each step, in milliseconds.
const TIME: i64 = 10_000;

/// Makes each channel a step of a group, which begins some time after the one before.
fn in_steps(mut intake: Intake, group: &str, until: Proof) -> Intake {
    for (intent, number) in intake.intents.iter_mut().zip(1..) {
        intent.begin = Begin::At(NOW + TIME * (i64::from(number) - 1));
        intent.step = Some(Step {
            group: group.into(),
            number,
            until,
        });
    }
    intake
}

/// Ends a claim as delivered with this proof, and returns the deliveries that this superseded.
async fn proven(store: &Arc<dyn Store>, claim: &Claim, proof: Proof) -> Vec<DeliveryId> {
    let settlement = Settlement {
        delivery: claim.delivery,
        fence: claim.fence,
        now_ms: NOW,
        attempt: None,
        proof: Some(proof),
        is_uncounted: false,
        may_have_arrived: false,
        next: Next::End {
            state: State::Delivered,
            why: String::new(),
            targets: Vec::new(),
        },
    };
    match store.settle(settlement).await.unwrap() {
        Settled::Recorded { superseded } => numbers(superseded),
        Settled::Stale => panic!("the settlement was refused"),
    }
}

/// The record says which step it was.
pub async fn a_step_that_is_enough_ends_the_others(subject: &dyn Subject) {
    let store = subject.open();
    let steps = in_steps(intake("n", &["a", "b", "c"]), "oncall", Proof::Accepted);
    let accepted = accept(&store, steps).await;
    assert!(claim(&store, "b").await.is_empty(), "it is not its turn");
    let first = claim(&store, "a").await;
    assert_eq!(first[0].step, 1);
    let others = proven(&store, &first[0], Proof::Accepted).await;
    assert_eq!(
        others,
        [
            accepted.deliveries[1].delivery,
            accepted.deliveries[2].delivery
        ]
    );
    let all = all(&store).await;
    assert_eq!(all[0].state, State::Superseded);
    assert_eq!(all[0].why, "group oncall: step 1 (a) was accepted");
    assert_eq!((all[0].group.as_deref(), all[0].step), (Some("oncall"), 3));
    assert_eq!(all[2].proof, Some(Proof::Accepted));
    assert_eq!(store.next_due(NOW).await.unwrap(), None);
}

/// The first answer counts, whatever the answer would be now, and whoever asks.
pub async fn a_key_that_is_used_again_has_the_steps_and_proofs_of_the_first_time(
    subject: &dyn Subject,
) {
    let (store, other) = (subject.open(), subject.open());
    let keyed = |intake| Intake {
        key: Some("k".to_owned()),
        ..intake
    };
    let steps = in_steps(intake("n", &["a", "b"]), "oncall", Proof::Delivered);
    let first = accept(&store, keyed(steps.clone())).await;
    let step_of = |intent: &Intent| intent.step.clone();
    let expected: Vec<Option<Step>> = steps.intents.iter().map(step_of).collect();
    let now = || keyed(intake("n", &["a", "b"]));
    let again = accept(&other, now()).await;
    assert_eq!(again.deliveries, first.deliveries);
    for (proof, proven_so_far) in [
        (None, [None, None]),
        (Some(Proof::Delivered), [Some(Proof::Delivered), None]),
    ] {
        if let Some(proof) = proof {
            let claims = claim(&store, "a").await;
            proven(&store, &claims[0], proof).await;
        }
        let asked = other.known(now()).await.unwrap().unwrap();
        for repeated in [asked, accept(&other, now()).await] {
            let placed = &repeated.deliveries;
            let steps: Vec<Option<Step>> = placed.iter().map(|one| one.step.clone()).collect();
            assert_eq!(steps, expected);
            let proofs: Vec<Option<Proof>> = placed.iter().map(|one| one.proof).collect();
            assert_eq!(proofs, proven_so_far);
        }
    }
    // A delivery that was not a step does not become one.
    let plain = Intake {
        key: Some("l".to_owned()),
        ..intake("p", &["a"])
    };
    accept(&store, plain.clone()).await;
    let asked = other.known(plain).await.unwrap().unwrap();
    assert_eq!(asked.deliveries[0].step, None);
}

/// The next step begins if the one before has not proven enough in its time.
pub async fn the_next_step_has_its_time(subject: &dyn Subject) {
    let store = subject.open();
    let steps = in_steps(intake("n", &["a", "b", "c"]), "oncall", Proof::Acknowledged);
    accept(&store, steps).await;
    let first = claim(&store, "a").await;
    let others = proven(&store, &first[0], Proof::Delivered).await;
    assert!(others.is_empty(), "delivered is less than acknowledged");
    assert!(claim_at(&store, "b", NOW + TIME - 1).await.is_empty());
    assert_eq!(claim_at(&store, "b", NOW + TIME).await.len(), 1);
    assert!(claim_at(&store, "c", NOW + TIME).await.is_empty());
    assert_eq!(claim_at(&store, "c", NOW + 2 * TIME).await.len(), 1);
}

/// A step that has failed is not waited for.
pub async fn the_next_step_begins_when_none_can_be_enough(subject: &dyn Subject) {
    let store = subject.open();
    let mut steps = in_steps(
        intake("n", &["a", "b", "c", "d"]),
        "oncall",
        Proof::Accepted,
    );
    steps.intents[0].begin = Begin::Suppressed {
        rule: "x".to_owned(),
        digest: None,
    };
    accept(&store, steps).await;
    let second = claim(&store, "b").await;
    assert_eq!(second.len(), 1, "the first one was kept back");
    assert!(claim(&store, "c").await.is_empty());
    end(&store, &second[0], State::Failed).await;
    assert_eq!(claim(&store, "c").await.len(), 1);
    // The last step has its time from then on.
    assert_eq!(store.next_due(NOW).await.unwrap(), Some(NOW + TIME));
}

/// Here, a receipt arrives minutes after the attempt.
pub async fn what_is_proven_later_is_enough_too(subject: &dyn Subject) {
    let store = subject.open();
    let steps = in_steps(intake("n", &["a", "b", "c"]), "oncall", Proof::Acknowledged);
    let accepted = accept(&store, steps).await;
    let first = claim(&store, "a").await;
    let prove = |proof| store.prove(first[0].delivery, proof, NOW);
    assert!(prove(Proof::Accepted).await.unwrap().is_empty());
    proven(&store, &first[0], Proof::Accepted).await;
    assert!(prove(Proof::Delivered).await.unwrap().is_empty());
    let others = prove(Proof::Acknowledged).await.unwrap();
    let last = others.last().unwrap();
    assert_eq!(last.delivery, accepted.deliveries[2].delivery);
    assert_eq!(&*last.why, "group oncall: step 1 (a) was acknowledged");
    assert!(prove(Proof::Accepted).await.unwrap().is_empty());
    let record = &all(&store).await[2];
    assert_eq!(record.proof, Some(Proof::Acknowledged), "it never shrinks");
}

/// The first step fails for now, and the second one is accepted in the meantime.
pub async fn a_step_that_is_to_be_tried_again_is_not_when_another_was_enough(
    subject: &dyn Subject,
) {
    let store = subject.open();
    for first_settles_first in [true, false] {
        let steps = in_steps(intake("n", &["a", "b"]), "oncall", Proof::Accepted);
        accept(&store, steps).await;
        let first = claim(&store, "a").await;
        let second = claim_at(&store, "b", NOW + TIME).await;
        if first_settles_first {
            assert!(again(&store, &first[0]).await.is_empty());
            let others = proven(&store, &second[0], Proof::Accepted).await;
            assert_eq!(others, [first[0].delivery]);
        } else {
            assert!(proven(&store, &second[0], Proof::Accepted).await.is_empty());
            assert_eq!(again(&store, &first[0]).await, [first[0].delivery]);
        }
        assert!(claim(&store, "a").await.is_empty());
    }
}

/// The proof of one group does not count for another.
pub async fn groups_of_one_notification_know_nothing_of_each_other(subject: &dyn Subject) {
    let store = subject.open();
    let mut both = in_steps(intake("n", &["a", "b"]), "day", Proof::Accepted);
    let night = in_steps(intake("n", &["c", "d"]), "night", Proof::Accepted);
    both.intents.extend(night.intents);
    accept(&store, both).await;
    let first = claim(&store, "a").await;
    assert_eq!(proven(&store, &first[0], Proof::Accepted).await.len(), 1);
    assert_eq!(state(&store, "n", "b").await, State::Superseded);
    assert_eq!(state(&store, "n", "d").await, State::Pending);
}

/// The problem ends before its second step, whose channel then needs no message.
pub async fn a_recovery_ends_steps_that_wait(subject: &dyn Subject) {
    let store = subject.open();
    let down = of_incident("down", Kind::Problem, &["a", "b"]);
    accept(&store, in_steps(down, "oncall", Proof::Acknowledged)).await;
    let first = claim(&store, "a").await;
    accept(&store, of_incident("up", Kind::Recovery, &["a", "b"])).await;
    assert_eq!(state(&store, "down", "b").await, State::Superseded);
    let over = all(&store).await;
    let over = over
        .iter()
        .find(|record| record.notification == "down" && record.channel == "b");
    assert_eq!(
        over.unwrap().why,
        "the problem was over before this was sent"
    );
    assert_eq!(state(&store, "up", "b").await, State::Superseded);
    proven(&store, &first[0], Proof::Accepted).await;
    assert_eq!(
        claim(&store, "a").await.len(),
        1,
        "who was told hears of it"
    );
}
