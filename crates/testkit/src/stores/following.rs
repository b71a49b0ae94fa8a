//! The change feed: whoever follows it knows what every delivery has become.

use std::sync::Arc;

use annunciator_store::{
    AcknowledgeRequest, AcknowledgeTarget, FeedChange, FeedPage, FeedQuery, Kind, State, Store,
};

use super::{NOW, Subject, accept, claim, end, intake, of_incident};

async fn feed(store: &Arc<dyn Store>, after: Option<i64>) -> FeedPage {
    let query = FeedQuery { after, limit: 100 };
    store.feed(query).await.unwrap()
}

/// Returns the states of deliveries, and the names of incidents, that have changed.
fn changes(page: &FeedPage) -> Vec<String> {
    let changes = page.entries.iter().map(|entry| match &entry.change {
        FeedChange::Delivery(record) => record.state.name().to_owned(),
        FeedChange::Acknowledgement(incident) => incident.clone(),
    });
    changes.collect()
}

/// It has one handle, and another process makes the changes.
pub async fn whoever_follows_from_now_on_sees_what_comes_and_nothing_before(subject: &dyn Subject) {
    let (store, reader) = (subject.open(), subject.open());
    accept(&store, intake("one", &["a"])).await;
    let now = feed(&reader, None).await;
    assert!(now.entries.is_empty() && !now.has_gap);
    let claims = claim(&store, "a").await;
    let claimed = feed(&reader, Some(now.cursor)).await;
    assert_eq!(changes(&claimed), [""; 0], "a claim is no change");
    end(&store, &claims[0], State::Delivered).await;
    accept(&store, intake("two", &["b"])).await;
    let page = feed(&reader, Some(now.cursor)).await;
    assert_eq!(changes(&page), ["delivered", "pending"]);
    assert!(feed(&reader, Some(page.cursor)).await.entries.is_empty());
    // Again from the same cursor, as after a lost connection.
    assert_eq!(feed(&reader, Some(now.cursor)).await, page);
}

/// An acknowledgement supersedes what waits, and is a change by itself.
pub async fn acknowledgements_are_followed_too(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, of_incident("one", Kind::Problem, &["a"])).await;
    let claims = claim(&store, "a").await;
    end(&store, &claims[0], State::Delivered).await;
    let before = feed(&store, None).await.cursor;
    let request = AcknowledgeRequest {
        target: AcknowledgeTarget::Incident("web-01/cpu".to_owned()),
        by: "anna".to_owned(),
        via: "page".to_owned(),
        note: String::new(),
        now_ms: NOW,
        until_ms: None,
        notice: None,
    };
    store.acknowledge(request).await.unwrap();
    let given = feed(&store, Some(before)).await;
    assert_eq!(changes(&given), ["web-01/cpu"]);
    store.withdraw("web-01/cpu".to_owned(), NOW).await.unwrap();
    let withdrawn = feed(&store, Some(given.cursor)).await;
    assert_eq!(changes(&withdrawn), ["web-01/cpu"]);
    // There is none to withdraw any more.
    store.withdraw("web-01/cpu".to_owned(), NOW).await.unwrap();
    let nothing = feed(&store, Some(withdrawn.cursor)).await;
    assert_eq!(changes(&nothing), [""; 0]);
}

/// Another store's cursors, and what is none.
pub async fn a_cursor_that_this_store_never_gave_has_a_gap(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, intake("one", &["a"])).await;
    let now = feed(&store, None).await.cursor;
    for foreign in [now + 1, i64::MAX, -1, i64::MIN] {
        let page = feed(&store, Some(foreign)).await;
        assert!(page.has_gap, "{foreign}");
        assert_eq!(page.cursor, now);
    }
    assert!(!feed(&store, Some(0)).await.has_gap);
}

/// Three changes are read two at a time.
pub async fn a_page_of_changes_ends_at_its_limit_and_the_next_begins_there(subject: &dyn Subject) {
    let store = subject.open();
    accept(&store, intake("one", &["a", "b", "c"])).await;
    let query = |after| FeedQuery {
        after: Some(after),
        limit: 2,
    };
    let first = store.feed(query(0)).await.unwrap();
    assert_eq!(first.entries.len(), 2);
    let second = store.feed(query(first.cursor)).await.unwrap();
    assert_eq!(second.entries.len(), 1);
    assert_eq!(second.cursor, feed(&store, None).await.cursor);
}
