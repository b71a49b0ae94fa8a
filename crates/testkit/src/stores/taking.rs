//! Acceptance: whole, once, and with a first holder.

use std::sync::Arc;

use annunciator_store::{Begin, Intake, Intent, Kind, Severity, State, StoreError};

use super::{LATER, NOW, Subject, accept, all, claim, end, intake, names, state};

/// The notification has three channels.
pub async fn what_was_accepted_is_there_whole(subject: &dyn Subject) {
    let store = subject.open();
    let taken = Intake {
        severity: Severity::Critical,
        ..intake("one", &["a", "b", "c"])
    };
    let accepted = accept(&store, taken).await;
    assert!(!accepted.repeated);
    assert_eq!(accepted.notification, "one");
    let channels: Vec<&str> = accepted
        .deliveries
        .iter()
        .map(|one| &*one.channel)
        .collect();
    assert_eq!(channels, ["a", "b", "c"]);
    let states: Vec<State> = accepted.deliveries.iter().map(|one| one.state).collect();
    assert_eq!(states, [State::Pending; 3]);

    let other = subject.open();
    let records = all(&other).await;
    assert_eq!(records.len(), 3);
    let record = &records[2];
    assert_eq!(record.delivery, accepted.deliveries[0].delivery);
    assert_eq!((&*record.host, &*record.channel), ("web-01", "a"));
    assert_eq!(
        (record.severity, record.accepted_ms),
        (Severity::Critical, NOW)
    );
    assert_eq!((record.attempts, record.reclaims), (0, 0));
    assert_eq!((record.due_ms, record.ended_ms), (Some(NOW), None));
    assert_eq!(record.content, "{\"body\":\"one\"}");
}

/// Returns a notification with this name, whose content is that of the others with its key.
fn keyed(name: &str, key: &str) -> Intake {
    Intake {
        key: Some(key.to_owned()),
        content: Arc::from(content(name, "disk full", "")),
        ..intake(name, &["a"])
    }
}

/// Returns content as the engine writes it, with an ID and a time of its own.
fn content(name: &str, body: &str, title: &str) -> String {
    format!(
        r#"{{"id":"{name}","title":"{title}","body":"{body}","severity":"info","kind":"message","occurred_at_ms":{}}}"#,
        name.len()
    )
}

/// The same key for a different notification is refused, whatever became of the first, and
/// nothing of it is accepted. The error shows the content of neither.
pub async fn a_key_stands_for_one_notification(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    let first = accept(&store, keyed("one", "k")).await;
    let same = || keyed("another", "k");
    let with = |body: &str, title: &str| Intake {
        content: Arc::from(content("another", body, title)),
        ..same()
    };
    for ended in [false, true] {
        for (differs, intake) in [
            ("its message differs", with("secret words", "")),
            ("its title differs", with("disk full", "secret words")),
            (
                "its message and its title differ",
                with("secret words", "x"),
            ),
            (
                "its content differs",
                Intake {
                    content: Arc::from("secret words"),
                    ..same()
                },
            ),
            (
                "its host differs",
                Intake {
                    host: "db-01".to_owned(),
                    ..same()
                },
            ),
            (
                "its incident differs",
                Intake {
                    incident: "i".to_owned(),
                    ..same()
                },
            ),
            (
                "its kind differs",
                Intake {
                    kind: Kind::Problem,
                    ..same()
                },
            ),
            (
                "its severity differs",
                Intake {
                    severity: Severity::Critical,
                    ..same()
                },
            ),
        ] {
            let asked = other.known(intake.clone()).await.unwrap_err();
            let refused = other.accept(intake).await.unwrap_err();
            assert_eq!(asked, refused);
            let expected = StoreError::Conflict {
                key: "k".to_owned(),
                differs: differs.to_owned(),
            };
            assert_eq!(refused, expected);
            assert!(!refused.to_string().contains("secret"), "{refused}");
            assert!(refused.to_string().contains("`k`"), "{refused}");
        }
        // With other channels, since the configuration changed, it is the same notification.
        let elsewhere = Intake {
            intents: intake("x", &["b"]).intents,
            ..same()
        };
        let again = accept(&other, elsewhere).await;
        assert!(again.repeated);
        assert_eq!(again.notification, first.notification);
        if !ended {
            end(&store, &claim(&store, "a").await[0], State::Delivered).await;
        }
    }
    // A different key is independent of it.
    assert!(!accept(&store, keyed("two", "l")).await.repeated);
    assert_eq!(all(&store).await.len(), 2);
    assert_eq!(store.accounts().await.unwrap().accepted, 2);
}

/// The key is used again while the delivery is pending, and after it has ended.
pub async fn a_key_is_accepted_once(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    let keyed = |name: &str| keyed(name, "k");
    assert_eq!(store.known(keyed("none")).await.unwrap(), None);
    assert_eq!(store.known(intake("none", &["a"])).await.unwrap(), None);
    assert!(all(&store).await.is_empty(), "who asks puts nothing in");
    let first = accept(&store, keyed("one")).await;
    let asked = other.known(keyed("asked")).await.unwrap();
    let second = accept(&other, keyed("two")).await;
    assert!(second.repeated);
    assert_eq!(asked.as_ref(), Some(&second));
    assert_eq!(store.known(intake("none", &["a"])).await.unwrap(), None);
    assert_eq!(second.notification, "one");
    assert_eq!(second.deliveries, first.deliveries);

    let claims = claim(&store, "a").await;
    end(&store, &claims[0], State::Delivered).await;
    let third = accept(&other, keyed("three")).await;
    assert!(third.repeated);
    assert_eq!(third.deliveries[0].state, State::Delivered);
    assert_eq!(all(&store).await.len(), 1);
    assert_eq!(store.accounts().await.unwrap().accepted, 1);
}

/// Sixty-four callers use one key, through two handles.
pub async fn one_key_from_many_sides_is_accepted_once(subject: &dyn Subject) {
    let stores = [subject.open(), subject.open()];
    let accepting = (0..64).map(|i| {
        let store = Arc::clone(&stores[i % 2]);
        let keyed = keyed(&format!("n{i}"), "k");
        tokio::spawn(async move { store.accept(keyed).await.unwrap() })
    });
    let accepting: Vec<_> = accepting.collect();
    let mut news = 0;
    let mut notifications = std::collections::BTreeSet::new();
    for accepted in accepting {
        let accepted = accepted.await.unwrap();
        news += usize::from(!accepted.repeated);
        notifications.insert(accepted.notification);
    }
    assert_eq!((news, notifications.len()), (1, 1));
    assert_eq!(all(&stores[0]).await.len(), 1);
}

/// The delivery is recorded, and nobody can claim it.
pub async fn a_rule_that_keeps_it_back_is_named(subject: &dyn Subject) {
    let store = subject.open();
    let mut quiet = intake("one", &["a", "b"]);
    quiet.intents[0].begin = Begin::Suppressed {
        rule: "quiet hours".to_owned(),
        digest: None,
    };
    let accepted = accept(&store, quiet).await;
    assert_eq!(accepted.deliveries[0].state, State::Suppressed);
    assert_eq!(accepted.deliveries[1].state, State::Pending);
    let records = all(&store).await;
    assert_eq!(records[1].why, "quiet hours");
    assert_eq!(records[1].ended_ms, Some(NOW));
    assert!(claim(&store, "a").await.is_empty());
}

/// Nobody else gets it until it is settled.
pub async fn whoever_accepts_may_hold_it_at_once(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    let mut held = intake("one", &["a"]);
    held.intents = vec![Intent {
        channel: Arc::from("a"),
        expires_ms: None,
        step: None,
        dedup: None,
        begin: Begin::Claimed {
            lease_until_ms: LATER,
        },
    }];
    let accepted = accept(&store, held).await;
    assert_eq!(accepted.deliveries[0].state, State::InFlight);
    assert!(claim(&other, "a").await.is_empty());
    let settlement = annunciator_store::Settlement {
        delivery: accepted.deliveries[0].delivery,
        fence: accepted.deliveries[0].fence,
        now_ms: NOW,
        attempt: None,
        proof: None,
        is_uncounted: false,
        may_have_arrived: false,
        next: annunciator_store::Next::Retry {
            at_ms: NOW,
            targets: Vec::new(),
        },
    };
    store.settle(settlement).await.unwrap();
    assert_eq!(state(&store, "one", "a").await, State::Pending);
    assert_eq!(names(&claim(&other, "a").await), ["one"]);
}
