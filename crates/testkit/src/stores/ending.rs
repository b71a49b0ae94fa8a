//! Ends: each is recorded once, by the holder of the claim, and counted forever.

use annunciator_store::{Attempt, Begin, Next, Prune, Query, Settled, Settlement, State};

use super::{
    LATER, NOW, Subject, accept, again, all, claim, claim_at, end, intake, names, prune, settle,
    state,
};

fn attempt(outcome: &str) -> Attempt {
    Attempt {
        began_ms: NOW + 1,
        ended_ms: NOW + 2,
        outcome: outcome.to_owned(),
    }
}

/// Two attempts are made, and the second one delivers.
pub async fn what_came_of_it_is_recorded(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, intake("one", &["a"])).await;
    for (outcome, next) in [
        (
            "503",
            Next::Retry {
                at_ms: NOW,
                targets: Vec::new(),
            },
        ),
        (
            "200",
            Next::End {
                state: State::Delivered,
                why: "at last".to_owned(),
                targets: Vec::new(),
            },
        ),
    ] {
        let claims = claim(&store, "a").await;
        let settlement = Settlement {
            delivery: claims[0].delivery,
            fence: claims[0].fence,
            now_ms: NOW + 2,
            attempt: Some(attempt(outcome)),
            proof: None,
            is_uncounted: false,
            may_have_arrived: false,
            next,
        };
        store.settle(settlement).await.unwrap();
    }
    let records = all(&subject.open()).await;
    let record = &records[0];
    assert_eq!((record.state, record.attempts), (State::Delivered, 2));
    assert_eq!((&*record.why, record.ended_ms), ("at last", Some(NOW + 2)));
    assert_eq!(record.due_ms, None);
    let attempts = store.attempts(record.delivery).await.unwrap();
    assert_eq!(attempts, [attempt("503"), attempt("200")]);
}

/// Such an attempt probes whether a remote is back, and is recorded all the same.
pub async fn an_attempt_that_is_free_does_not_count(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, intake("one", &["a"])).await;
    for (number, is_uncounted) in [false, true, true, false].into_iter().enumerate() {
        let claims = claim(&store, "a").await;
        assert_eq!(claims[0].attempts, number.min(1) as u32);
        let settlement = Settlement {
            delivery: claims[0].delivery,
            fence: claims[0].fence,
            now_ms: NOW + 2,
            attempt: Some(attempt(&number.to_string())),
            proof: None,
            is_uncounted,
            may_have_arrived: false,
            next: Next::Retry {
                at_ms: NOW,
                targets: Vec::new(),
            },
        };
        store.settle(settlement).await.unwrap();
    }
    let claims = claim(&store, "a").await;
    assert_eq!(claims[0].attempts, 2);
    assert_eq!(all(&store).await[0].attempts, 4);
}

/// Only the targets that failed are tried again.
pub async fn targets_that_are_left_come_back(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, intake("one", &["a"])).await;
    let claims = claim(&store, "a").await;
    assert!(claims[0].targets.is_empty());
    let left = vec!["+491".to_owned(), "a \"b\" ü".to_owned()];
    let next = Next::Retry {
        at_ms: NOW,
        targets: left.clone(),
    };
    settle(&store, &claims[0], next).await;
    let claims = claim(&store, "a").await;
    assert_eq!(claims[0].targets, left);
    // Also when a person retries the delivery: targets that were reached get nothing more.
    let next = Next::End {
        state: State::Failed,
        why: String::new(),
        targets: vec!["+492".to_owned()],
    };
    settle(&store, &claims[0], next).await;
    store.retry(vec![claims[0].delivery], NOW).await.unwrap();
    assert_eq!(claim(&store, "a").await[0].targets, ["+492"]);
}

/// A holder that was considered dead settles too late.
pub async fn a_stale_fence_is_refused_and_counted(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    accept(&store, intake("one", &["a"])).await;
    let first = claim(&store, "a").await;
    let second = claim_at(&other, "a", LATER + 1).await;
    let delivered = || Next::End {
        state: State::Delivered,
        why: String::new(),
        targets: Vec::new(),
    };
    assert_eq!(settle(&store, &first[0], delivered()).await, Settled::Stale);
    assert_eq!(state(&store, "one", "a").await, State::InFlight);
    end(&other, &second[0], State::Failed).await;
    // A second settlement is refused, too.
    assert_eq!(
        settle(&other, &second[0], delivered()).await,
        Settled::Stale
    );
    assert_eq!(state(&store, "one", "a").await, State::Failed);
    assert_eq!(store.accounts().await.unwrap().stale, 2);
}

/// Only failed and unknown deliveries can be retried.
pub async fn what_failed_can_be_had_tried_again(subject: &dyn Subject) {
    let store = subject.open();
    let ends = [
        State::Failed,
        State::Unknown,
        State::Delivered,
        State::Expired,
    ];
    for state in ends {
        accept(&store, intake(state.name(), &["a"])).await;
        let claims = claim(&store, "a").await;
        let settlement = Settlement {
            delivery: claims[0].delivery,
            fence: claims[0].fence,
            now_ms: NOW,
            attempt: Some(attempt("x")),
            proof: None,
            is_uncounted: false,
            may_have_arrived: false,
            next: Next::End {
                state,
                why: "so".to_owned(),
                targets: Vec::new(),
            },
        };
        store.settle(settlement).await.unwrap();
    }
    let ids = all(&store).await.iter().map(|one| one.delivery).collect();
    assert_eq!(store.retry(ids, NOW).await.unwrap(), 2);
    let claims = claim(&store, "a").await;
    assert_eq!(names(&claims), ["failed", "unknown"]);
    assert_eq!(claims[0].attempts, 0, "its attempts begin anew");
    end(&store, &claims[0], State::Delivered).await;
    let query = Query::one(claims[0].delivery);
    let record = store.deliveries(query).await.unwrap().remove(0);
    assert_eq!((record.attempts, &*record.why), (1, ""));
}

/// Pending deliveries are never deleted.
pub async fn what_has_ended_is_deleted_when_it_is_old(subject: &dyn Subject) {
    let store = subject.open();
    for name in ["one", "two", "three"] {
        let mut old = intake(name, &["a", "b"]);
        old.key = Some(name.to_owned());
        accept(&store, old).await;
    }
    for claims in [claim(&store, "a").await, claim(&store, "b").await] {
        for (claim, name) in claims.iter().zip(names(&claims)) {
            if name == "two" {
                again(&store, claim).await;
            } else {
                end(&store, claim, State::Delivered).await;
            }
        }
    }
    assert_eq!(prune(&store, NOW, 10).await, 0, "they are not older");
    assert_eq!(prune(&store, NOW + 1, 1).await, 1);
    assert_eq!(prune(&store, NOW + 1, 10).await, 1);
    let left: Vec<String> = all(&store)
        .await
        .into_iter()
        .map(|one| one.notification)
        .collect();
    assert_eq!(left, ["two", "two"]);
    let accounts = store.accounts().await.unwrap();
    assert_eq!((accounts.accepted, accounts.difference()), (6, 0));
    assert_eq!(accounts.of(State::Delivered), 4);
    // Its idempotency key is free again.
    let mut new = intake("four", &["a"]);
    new.key = Some("one".to_owned());
    assert!(!accept(&store, new).await.repeated);
}

/// The number of newer notifications decides, not the age.
pub async fn what_is_beyond_the_newest_is_deleted(subject: &dyn Subject) {
    let store = subject.open();
    for name in ["one", "two", "three", "four"] {
        accept(&store, intake(name, &["a"])).await;
    }
    for claim in claim(&store, "a").await.iter().skip(1) {
        end(&store, claim, State::Delivered).await;
    }
    let beyond = Prune {
        now_ms: NOW,
        accepted_before_ms: NOW,
        beyond: 1,
        limit: 10,
    };
    assert_eq!(store.prune(beyond).await.unwrap(), 2);
    let left = all(&store).await.into_iter().map(|one| one.notification);
    assert_eq!(
        left.collect::<Vec<_>>(),
        ["four", "one"],
        "one is in flight"
    );
}

/// The number is counted from the last accepted notification, whether that is still stored or not.
pub async fn what_was_deleted_counts_as_newer(subject: &dyn Subject) {
    let store = subject.open();
    for name in ["one", "two"] {
        accept(&store, intake(name, &["a"])).await;
    }
    let claims = claim(&store, "a").await;
    end(&store, &claims[1], State::Delivered).await;
    assert_eq!(prune(&store, NOW + 1, 10).await, 1, "one is in flight");
    end(&store, &claims[0], State::Delivered).await;
    let beyond = |beyond| Prune {
        now_ms: NOW,
        accepted_before_ms: NOW,
        beyond,
        limit: 10,
    };
    assert_eq!(store.prune(beyond(2)).await.unwrap(), 0);
    assert_eq!(store.prune(beyond(1)).await.unwrap(), 1);
    assert_eq!(all(&store).await, []);
}

/// Every state is counted, and the sum is the number of accepted deliveries.
pub async fn the_accounts_agree_whatever_happens(subject: &dyn Subject) {
    let store = subject.open();
    let ends = State::ALL.into_iter().filter(|state| state.has_ended());
    for state in ends {
        accept(&store, intake(state.name(), &["a"])).await;
        let claims = claim(&store, "a").await;
        end(&store, &claims[0], state).await;
    }
    accept(&store, intake("held", &["a"])).await;
    claim(&store, "a").await;
    let mut last = intake("last", &["a", "b"]);
    last.intents[1].begin = Begin::Suppressed {
        rule: "x".to_owned(),
        digest: None,
    };
    accept(&store, last).await;
    let accounts = store.accounts().await.unwrap();
    assert_eq!((accounts.accepted, accounts.difference()), (9, 0));
    for state in State::ALL {
        let expected = if state == State::Suppressed { 2 } else { 1 };
        assert_eq!(accounts.of(state), expected, "{state}");
        assert_eq!(accounts.states[&state], expected, "{state}");
    }
}
