//! Queries and provider values.

use annunciator_store::{Intake, MAX_KV_ENTRIES, Query, State};
use tokio::task::JoinSet;

use super::{NOW, Subject, accept, claim, end, intake};

/// Channels do not see each other's values.
pub async fn values_are_kept_by_channel_and_key(subject: &dyn Subject) {
    let (store, other) = (subject.open(), subject.open());
    let keep = |channel: &str, key: &str, value: Option<Vec<u8>>| {
        store.kv_put(channel.into(), key.to_owned(), value)
    };
    keep("a", "k", Some(vec![1])).await.unwrap();
    keep("a", "k", Some(vec![2])).await.unwrap();
    keep("b", "k", Some(Vec::new())).await.unwrap();
    let kept = |channel: &str, key: &str| other.kv_get(channel.into(), key.to_owned());
    assert_eq!(kept("a", "k").await.unwrap(), Some(vec![2]));
    assert_eq!(kept("b", "k").await.unwrap(), Some(Vec::new()));
    assert_eq!(kept("a", "other").await.unwrap(), None);
    keep("a", "k", None).await.unwrap();
    assert_eq!(kept("a", "k").await.unwrap(), None);
}

/// A provider that never removes a value cannot fill the store.
pub async fn of_too_many_values_the_oldest_goes(subject: &dyn Subject) {
    let store = subject.open();
    let keep = |number: usize| store.kv_put("a".into(), number.to_string(), Some(vec![1]));
    let putting: JoinSet<_> = (0..=MAX_KV_ENTRIES).map(keep).collect();
    putting.join_all().await;
    let kept = |key: &str| store.kv_get("a".into(), key.to_owned());
    assert_eq!(kept("0").await.unwrap(), None);
    assert_eq!(kept("1").await.unwrap(), Some(vec![1]));
}

/// Queries select by state, host, channel, time and number, and by several of them.
pub async fn deliveries_are_found_by_what_is_known_of_them(subject: &dyn Subject) {
    let store = subject.open();
    for (name, host, accepted_ms) in [
        ("one", "h1", NOW),
        ("two", "h2", NOW + 10),
        ("three", "", NOW + 20),
    ] {
        let taken = Intake {
            host: host.to_owned(),
            accepted_ms,
            ..intake(name, &["a", "b"])
        };
        accept(&store, taken).await;
    }
    let claims = claim(&store, "a").await;
    end(&store, &claims[0], State::Delivered).await;
    end(&store, &claims[1], State::Failed).await;

    let query = Query {
        limit: 100,
        ..Query::default()
    };
    let check = async |query: Query, expected: &[(&str, &str)]| {
        let found = store.deliveries(query.clone()).await.unwrap();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|one| (&*one.notification, &*one.channel))
            .collect();
        assert_eq!(found, expected, "{query:?}");
    };
    let failed = vec![State::Failed];
    check(
        Query {
            states: failed.clone(),
            ..query.clone()
        },
        &[("two", "a")],
    )
    .await;
    let ended = vec![State::Delivered, State::Failed];
    check(
        Query {
            states: ended,
            ..query.clone()
        },
        &[("two", "a"), ("one", "a")],
    )
    .await;
    let host = Some("h1".to_owned());
    check(
        Query {
            host: host.clone(),
            ..query.clone()
        },
        &[("one", "b"), ("one", "a")],
    )
    .await;
    check(
        Query {
            host,
            states: failed,
            ..query.clone()
        },
        &[],
    )
    .await;
    let channel = Some("b".to_owned());
    let by_channel = Query {
        channel,
        ..query.clone()
    };
    check(by_channel, &[("three", "b"), ("two", "b"), ("one", "b")]).await;
    let since = Query {
        since_ms: Some(NOW + 20),
        ..query.clone()
    };
    check(since, &[("three", "b"), ("three", "a")]).await;
    let one = Query {
        delivery: Some(claims[0].delivery),
        ..query
    };
    check(one, &[("one", "a")]).await;
}

/// Pages have no gaps and no repetitions.
pub async fn pages_follow_one_another(subject: &dyn Subject) {
    let store = subject.open();
    for i in 0..5 {
        accept(&store, intake(&i.to_string(), &["a"])).await;
    }
    let mut query = Query {
        limit: 2,
        ..Query::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.deliveries(query.clone()).await.unwrap();
        let Some(last) = page.last() else { break };
        query.before = Some(last.delivery);
        seen.extend(page.iter().map(|one| one.notification.clone()));
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
}
