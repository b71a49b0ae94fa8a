//! Digests: suppressed deliveries are reported once, in one message, and the ends of their
//! problems after that.

use std::sync::Arc;

use annunciator_store::{
    Begin, Claim, DeliveryId, Digest, Intake, Kind, Next, Query, Record, State, Store,
};

use super::{
    NOW, Subject, accept, again, all, claim, claim_at, end, intake, of_incident, prune, settle,
    state,
};

/// When a digest is due.
const MORNING: i64 = NOW + 3_600_000;

fn digest(name: &str) -> Digest {
    Digest {
        batch_key: "quiet".to_owned(),
        notification: name.to_owned(),
        content: Arc::from(format!("{{\"body\":\"{name}\"}}")),
        due_ms: MORNING,
        expires_ms: Some(MORNING + 1000),
    }
}

/// Suppresses a notification on its first channel.
fn suppressed(mut intake: Intake) -> Intake {
    intake.intents[0].begin = Begin::Suppressed {
        rule: "quiet: until the morning".to_owned(),
        digest: Some(digest(&format!("digest of {}", intake.notification))),
    };
    intake
}

fn problem(name: &str) -> Intake {
    suppressed(of_incident(name, Kind::Problem, &["a"]))
}

async fn in_the_morning(store: &Arc<dyn Store>) -> Vec<Claim> {
    claim_at(store, "a", MORNING).await
}

async fn reported_in(store: &Arc<dyn Store>, digest: DeliveryId) -> Vec<Record> {
    let query = Query {
        digest: Some(digest),
        limit: 10,
        ..Query::default()
    };
    store.deliveries(query).await.unwrap()
}

fn ids(records: &[Record]) -> Vec<&str> {
    let names = records.iter().map(|record| &*record.notification);
    names.collect()
}

/// A suppressed delivery joins the digest of the others.
pub async fn what_is_suppressed_is_gathered_in_one_digest(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    accept(&store, suppressed(intake("1", &["a", "b"]))).await;
    accept(&other, suppressed(intake("2", &["a"]))).await;
    accept(&other, suppressed(intake("elsewhere", &["c"]))).await;
    let mut of_another_kind = suppressed(intake("other", &["a"]));
    if let Begin::Suppressed { digest, .. } = &mut of_another_kind.intents[0].begin {
        digest.as_mut().unwrap().batch_key = "rate".to_owned();
    }
    accept(&other, of_another_kind).await;
    assert_eq!(store.next_due(NOW).await.unwrap(), Some(MORNING));
    let digests = in_the_morning(&store).await;
    assert_eq!(digests.len(), 2);
    let reported = reported_in(&store, digests[0].delivery).await;
    assert_eq!(ids(&reported), ["2", "1"]);
    assert!(
        reported
            .iter()
            .all(|record| record.state == State::Suppressed)
    );
    let of_another = reported_in(&store, digests[1].delivery).await;
    assert_eq!(ids(&of_another), ["other"]);
    assert_eq!(store.accounts().await.unwrap().difference(), 0);
}

/// Otherwise nobody would report the delivery.
pub async fn a_digest_that_is_sent_takes_no_more(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, suppressed(intake("1", &["a"]))).await;
    let first = in_the_morning(&store).await;
    accept(&store, suppressed(intake("2", &["a"]))).await;
    // Neither does a digest that reached some targets and waits to reach others.
    again(&store, &first[0]).await;
    let mut late = suppressed(intake("3", &["a"]));
    late.accepted_ms = MORNING;
    accept(&store, late).await;
    assert_eq!(ids(&reported_in(&store, first[0].delivery).await), ["1"]);
    let after = |record: &&Record| record.digest > Some(first[0].delivery);
    assert_eq!(all(&store).await.iter().filter(after).count(), 2);
}

/// Here, the step becomes due in quiet hours.
pub async fn what_is_suppressed_when_its_turn_comes_is_gathered_too(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, suppressed(intake("1", &["a"]))).await;
    accept(&store, intake("step", &["a"])).await;
    let step = claim(&store, "a").await;
    let next = Next::Suppressed {
        rule: "quiet: until the morning".to_owned(),
        digest: Some(digest("another")),
    };
    settle(&store, &step[0], next).await;
    let digests = in_the_morning(&store).await;
    assert_eq!(digests.len(), 1);
    let reported = reported_in(&store, digests[0].delivery).await;
    assert_eq!(ids(&reported), ["step", "1"]);
    assert_eq!(reported[0].why, "quiet: until the morning");
}

/// No message of its own reported the problem.
pub async fn an_end_follows_the_digest_that_notified_of_the_problem(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, problem("down")).await;
    let digest = in_the_morning(&store).await;
    assert!(!reported_in(&store, digest[0].delivery).await[0].is_over);
    end(&store, &digest[0], State::Delivered).await;
    let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    assert_eq!(recovery.deliveries[0].state, State::Pending);
    let recovery = claim(&store, "a").await;
    end(&store, &recovery[0], State::Delivered).await;
    let again = accept(&store, of_incident("up again", Kind::Recovery, &["a"])).await;
    assert_eq!(
        again.deliveries[0].state,
        State::Pending,
        "of what nobody knows"
    );
}

/// The digest reports the end, too.
pub async fn a_problem_that_ends_before_its_digest_is_over(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, problem("down")).await;
    let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    assert_eq!(recovery.deliveries[0].state, State::Superseded);
    accept(&store, problem("down again")).await;
    let digest = in_the_morning(&store).await;
    let reported = reported_in(&store, digest[0].delivery).await;
    let over = |record: &Record| (record.notification.clone(), record.is_over);
    let reported: Vec<_> = reported.iter().map(over).collect();
    assert_eq!(
        reported,
        [("down again".to_owned(), false), ("down".to_owned(), true)]
    );
}

/// The digest's outcome decides whether anybody is to be notified of the end.
pub async fn an_end_waits_while_the_problem_s_digest_is_in_flight(subject: &dyn Subject) {
    for arrives in [true, false] {
        let store = subject.open();
        accept(&store, problem("down")).await;
        let digest = in_the_morning(&store).await;
        let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
        assert_eq!(recovery.deliveries[0].state, State::Pending);
        assert!(claim(&store, "a").await.is_empty(), "not before the digest");
        if arrives {
            end(&store, &digest[0], State::Delivered).await;
            let recovery = claim(&store, "a").await;
            assert_eq!(recovery.len(), 1);
            end(&store, &recovery[0], State::Delivered).await;
        } else {
            let superseded = again(&store, &digest[0]).await;
            assert_eq!(superseded, [recovery.deliveries[0].delivery]);
            assert!(reported_in(&store, digest[0].delivery).await[0].is_over);
        }
    }
}

/// Each of them may notify people of the problem.
pub async fn an_end_waits_for_the_last_of_the_problem_s_digests(subject: &dyn Subject) {
    for arrives in [true, false] {
        let store = subject.open();
        accept(&store, problem("down")).await;
        let first = in_the_morning(&store).await;
        accept(&store, problem("still down")).await;
        let second = in_the_morning(&store).await;
        let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
        end(&store, &first[0], State::Failed).await;
        assert!(
            claim(&store, "a").await.is_empty(),
            "the other is in flight"
        );
        if arrives {
            end(&store, &second[0], State::Delivered).await;
            let recovery = claim(&store, "a").await;
            assert_eq!(recovery.len(), 1);
            end(&store, &recovery[0], State::Delivered).await;
        } else {
            let superseded = end(&store, &second[0], State::Failed).await;
            assert_eq!(superseded, [recovery.deliveries[0].delivery]);
        }
    }
}

/// Once people were notified, no other digest matters.
pub async fn an_end_follows_the_first_digest_that_arrives(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, problem("down")).await;
    let first = in_the_morning(&store).await;
    accept(&store, problem("still down")).await;
    in_the_morning(&store).await;
    accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    end(&store, &first[0], State::Delivered).await;
    assert_eq!(claim(&store, "a").await.len(), 1);
}

/// Its holder may have sent it.
pub async fn an_end_follows_a_digest_that_was_abandoned(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, problem("down")).await;
    let digest = in_the_morning(&store).await;
    let late = MORNING + 3_600_000;
    assert!(claim_at(&store, "a", late).await[0].abandoned);
    let mut recovery = of_incident("up", Kind::Recovery, &["a"]);
    recovery.accepted_ms = late;
    recovery.intents[0].begin = Begin::At(late);
    accept(&store, recovery).await;
    assert_eq!(state(&store, "up", "a").await, State::Pending);
    assert_eq!(claim_at(&store, "a", late).await.len(), 1);
    drop(digest);
}

/// A delivery that is yet to be reported is not deleted, however old it is.
pub async fn what_a_digest_is_to_summarise_is_not_deleted(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, suppressed(intake("1", &["a"]))).await;
    accept(&store, intake("2", &["b"])).await;
    end(&store, &claim(&store, "b").await[0], State::Delivered).await;
    assert_eq!(prune(&store, MORNING, 10).await, 1);
    let digest = in_the_morning(&store).await;
    assert_eq!(ids(&reported_in(&store, digest[0].delivery).await), ["1"]);
    end(&store, &digest[0], State::Delivered).await;
    assert_eq!(prune(&store, MORNING, 10).await, 2);
    assert_eq!(store.accounts().await.unwrap().difference(), 0);
}
