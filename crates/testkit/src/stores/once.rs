//! Deduplication: what is sent once within a time.

use annunciator_store::{DedupWindow, Intake, Kind, State};

use super::{NOW, Subject, accept, claim, end, intake, of_incident, state};

fn once(mut intake: Intake, fingerprint: u64) -> Intake {
    for intent in &mut intake.intents {
        intent.dedup = Some(DedupWindow {
            fingerprint,
            until_ms: intake.accepted_ms + 1000,
            rule: "dedup: 1s".to_owned(),
        });
    }
    intake
}

/// This holds for each channel and each incident, and ends with the window.
pub async fn the_same_is_sent_once_within_its_window(subject: &dyn Subject) {
    let store = subject.open();
    let first = accept(&store, once(intake("one", &["a"]), 1)).await;
    assert_eq!(first.deliveries[0].state, State::Pending);
    let second = accept(&store, once(intake("two", &["a", "b"]), 1)).await;
    let states: Vec<State> = second.deliveries.iter().map(|one| one.state).collect();
    assert_eq!(states, [State::Suppressed, State::Pending]);
    let record = &super::all(&store).await[1];
    assert_eq!(record.why, "dedup: 1s");
    let other = accept(&store, once(intake("three", &["a"]), u64::MAX)).await;
    assert_eq!(other.deliveries[0].state, State::Pending);
    let problem = of_incident("four", Kind::Problem, &["a"]);
    let other = accept(&store, once(problem, 1)).await;
    assert_eq!(other.deliveries[0].state, State::Pending);
    let mut later = intake("five", &["a"]);
    later.accepted_ms = NOW + 1000;
    let later = accept(&store, once(later, 1)).await;
    assert_eq!(later.deliveries[0].state, State::Pending);
}

/// Nobody has read the failed message.
pub async fn what_failed_does_not_keep_back_the_next(subject: &dyn Subject) {
    let store = subject.open();
    for (name, ended) in [("one", State::Failed), ("two", State::Delivered)] {
        accept(&store, once(intake(name, &["a"]), 1)).await;
        end(&store, &claim(&store, "a").await[0], ended).await;
    }
    accept(&store, once(intake("three", &["a"]), 1)).await;
    assert_eq!(state(&store, "three", "a").await, State::Suppressed);
}

/// The same problem once more is a new one.
pub async fn the_end_of_a_problem_makes_the_next_news(subject: &dyn Subject) {
    let store = subject.open();
    for name in ["one", "two"] {
        accept(&store, once(of_incident(name, Kind::Problem, &["a"]), 1)).await;
        let claims = claim(&store, "a").await;
        assert_eq!(claims.len(), 1, "{name}");
        end(&store, &claims[0], State::Delivered).await;
        accept(&store, of_incident("over", Kind::Recovery, &["a"])).await;
        end(&store, &claim(&store, "a").await[0], State::Delivered).await;
    }
}
