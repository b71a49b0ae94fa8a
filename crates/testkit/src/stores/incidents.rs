//! Problems and their ends: whoever is notified of one is notified of the other, and nobody else.

use annunciator_store::{Begin, Kind, State, Superseded};

use super::{LATER, Subject, accept, again, all, claim, end, names, of_incident, state};

/// Neither the problem nor its end is sent.
pub async fn a_problem_that_is_over_before_anybody_was_notified(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    let problem = accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
    let recovery = accept(&other, of_incident("up", Kind::Recovery, &["a"])).await;
    assert_eq!(recovery.deliveries[0].state, State::Superseded);
    let over = Superseded {
        delivery: problem.deliveries[0].delivery,
        why: "the problem was over before this was sent".into(),
    };
    assert_eq!(recovery.superseded, [over]);
    let not_notified = "this channel was not notified of the problem that is over";
    assert_eq!(recovery.deliveries[0].why, not_notified);
    let recorded: Vec<String> = { all(&store).await.into_iter() }
        .map(|record| record.why)
        .collect();
    assert_eq!(
        recorded,
        [not_notified, "the problem was over before this was sent"]
    );
    assert_eq!(state(&store, "down", "a").await, State::Superseded);
    assert!(claim(&store, "a").await.is_empty());
}

/// The end is sent, and closes the incident.
pub async fn a_recovery_of_what_people_were_notified_of(subject: &dyn Subject) {
    for notified in [State::Delivered, State::Unknown] {
        let store = subject.open();
        accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
        end(&store, &claim(&store, "a").await[0], notified).await;
        // A pending reminder is pointless.
        accept(&store, of_incident("still down", Kind::Problem, &["a"])).await;
        let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
        assert_eq!(recovery.deliveries[0].state, State::Pending);
        assert_eq!(recovery.superseded.len(), 1);
        let claims = claim(&store, "a").await;
        assert_eq!(names(&claims), ["up"]);
        end(&store, &claims[0], State::Delivered).await;
    }
}

/// The outcome of the problem's delivery decides.
pub async fn a_recovery_while_the_problem_is_in_flight(subject: &dyn Subject) {
    let store = subject.open();
    for delivered in [true, false] {
        accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
        let problem = claim(&store, "a").await;
        let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
        assert_eq!(recovery.deliveries[0].state, State::Pending);
        assert!(recovery.superseded.is_empty());
        assert!(claim(&store, "a").await.is_empty());
        if delivered {
            assert!(end(&store, &problem[0], State::Delivered).await.is_empty());
            let claims = claim(&store, "a").await;
            assert_eq!(names(&claims), ["up"]);
            end(&store, &claims[0], State::Delivered).await;
        } else {
            let superseded = again(&store, &problem[0]).await;
            let both = [problem[0].delivery, recovery.deliveries[0].delivery];
            assert_eq!(superseded, both);
            assert!(claim(&store, "a").await.is_empty());
        }
    }
}

/// A channel that was not notified of the problem is not notified of its end.
pub async fn a_recovery_of_what_failed(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
    end(&store, &claim(&store, "a").await[0], State::Failed).await;
    let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    assert_eq!(recovery.deliveries[0].state, State::Superseded);
}

/// This holds even if the caller that accepts it wants to attempt it at once.
pub async fn a_recovery_is_judged_before_it_is_tried(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
    end(&store, &claim(&store, "a").await[0], State::Failed).await;
    let mut recovery = of_incident("up", Kind::Recovery, &["a"]);
    recovery.intents[0].begin = Begin::Claimed {
        lease_until_ms: LATER,
    };
    let recovery = accept(&store, recovery).await;
    assert_eq!(recovery.deliveries[0].state, State::Superseded);
}

/// The end is sent, since the store may have deleted the problem.
pub async fn a_recovery_of_what_nobody_knows(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    assert_eq!(names(&claim(&store, "a").await), ["up"]);
}

/// It is a different problem, and is sent.
pub async fn a_problem_after_the_recovery(subject: &dyn Subject) {
    let store = subject.open();
    for notified in [false, true] {
        accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
        if notified {
            end(&store, &claim(&store, "a").await[0], State::Delivered).await;
        }
        accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
        accept(&store, of_incident("down again", Kind::Problem, &["a"])).await;
        if notified {
            let claims = claim(&store, "a").await;
            assert_eq!(names(&claims), ["up"]);
            assert!(end(&store, &claims[0], State::Delivered).await.is_empty());
        }
        let claims = claim(&store, "a").await;
        assert_eq!(names(&claims), ["down again"]);
        end(&store, &claims[0], State::Delivered).await;
        accept(&store, of_incident("up at last", Kind::Recovery, &["a"])).await;
        let claims = claim(&store, "a").await;
        assert_eq!(names(&claims), ["up at last"]);
        end(&store, &claims[0], State::Delivered).await;
    }
}

/// Each channel is judged by itself.
pub async fn channels_that_know_and_channels_that_don_t(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("down", Kind::Problem, &["a", "b"])).await;
    end(&store, &claim(&store, "a").await[0], State::Delivered).await;
    let recovery = accept(&store, of_incident("up", Kind::Recovery, &["a", "b"])).await;
    let states: Vec<State> = recovery.deliveries.iter().map(|one| one.state).collect();
    assert_eq!(states, [State::Pending, State::Superseded]);
}

/// Nobody was notified of this problem, even if people were notified of the one before.
pub async fn a_recovery_of_a_problem_that_was_suppressed(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
    end(&store, &claim(&store, "a").await[0], State::Delivered).await;
    for ended in [State::Failed, State::Delivered] {
        accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
        end(&store, &claim(&store, "a").await[0], ended).await;
    }
    let mut mild = of_incident("mild", Kind::Problem, &["a"]);
    mild.intents[0].begin = Begin::Suppressed {
        rule: "x".to_owned(),
        digest: None,
    };
    accept(&store, mild).await;
    let recovery = accept(&store, of_incident("up again", Kind::Recovery, &["a"])).await;
    assert_eq!(recovery.deliveries[0].state, State::Superseded);
}

/// People may have read of the problem, so that they are notified of its end.
pub async fn a_recovery_of_what_may_have_arrived_and_waits_again(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
    let problem = claim(&store, "a").await.remove(0);
    let settlement = annunciator_store::Settlement {
        delivery: problem.delivery,
        fence: problem.fence,
        now_ms: super::NOW,
        attempt: None,
        proof: None,
        is_uncounted: false,
        may_have_arrived: true,
        next: annunciator_store::Next::Retry {
            at_ms: super::NOW,
            targets: Vec::new(),
        },
    };
    store.settle(settlement).await.unwrap();
    accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    let claims = claim(&store, "a").await;
    assert_eq!(names(&claims), ["up"]);
    end(&store, &claims[0], State::Delivered).await;
    // The same holds if its holder is gone.
    accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
    claim(&store, "a").await;
    let abandoned = super::claim_at(&store, "a", LATER + 1).await;
    assert!(abandoned[0].abandoned);
    again(&store, &abandoned[0]).await;
    accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    assert_eq!(names(&claim(&store, "a").await), ["up"]);
}

/// One end suffices.
pub async fn a_second_recovery_of_what_is_over(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("down", Kind::Problem, &["a"])).await;
    end(&store, &claim(&store, "a").await[0], State::Delivered).await;
    accept(&store, of_incident("up", Kind::Recovery, &["a"])).await;
    let second = accept(&store, of_incident("up, I say", Kind::Recovery, &["a"])).await;
    let notified = end(&store, &claim(&store, "a").await[0], State::Delivered).await;
    assert_eq!(notified, [second.deliveries[0].delivery]);
    assert!(claim(&store, "a").await.is_empty());
}
