//! Signed links: for how long, for which problem, and by whom somebody takes over.

use std::time::{SystemTime, UNIX_EPOCH};

use annunciator::store::IncidentQuery;
use annunciator_web::Scope;
use axum::http::StatusCode;

use crate::{desk::Desk, now::problem};

const HOUR_MS: i64 = 3_600_000;

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// The path of a link that was made so long ago.
fn link(desk: &Desk, incident: &str, age_ms: i64) -> String {
    let link = desk.links.link(incident, now_ms() - age_ms).unwrap();
    link.strip_prefix("http://hbd.example").unwrap().to_owned()
}

/// Who has taken an incident over.
async fn taken_by(desk: &Desk, incident: &str) -> Option<String> {
    let query = IncidentQuery::one(incident, now_ms());
    let store = desk.engine.store().unwrap();
    let open = store.incidents(query).await.unwrap().pop().unwrap();
    open.acknowledgement.map(|taken| taken.by)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_has_expired_says_so_and_does_nothing() {
    let desk = Desk::new().await;
    problem(&desk, "disk full", "web-01/disk").await;
    let link = link(&desk, "web-01/disk", 7 * 24 * HOUR_MS);
    for page in [desk.get(&link, "").await, desk.post(&link, "", "").await] {
        assert_eq!(page.status, StatusCode::GONE, "{}", page.text);
        assert!(
            page.text.contains("This link has expired."),
            "{}",
            page.text
        );
        assert!(!page.text.contains("disk"), "{}", page.text);
    }
    assert_eq!(taken_by(&desk, "web-01/disk").await, None);
    // Whoever guesses does not fill the log.
    assert_eq!(desk.acts.read(None, 10).await.unwrap().acts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_for_the_problem_that_it_was_made_for_and_not_for_a_later_one() {
    let desk = Desk::new().await;
    problem(&desk, "disk full", "web-01/disk").await;
    let earlier = link(&desk, "web-01/disk", HOUR_MS);
    let page = desk.post(&earlier, "", "").await;
    assert!(page.text.contains("This problem is over."), "{}", page.text);
    assert_eq!(taken_by(&desk, "web-01/disk").await, None);
    // Its own message was made shortly before it was accepted.
    let own = link(&desk, "web-01/disk", HOUR_MS / 60);
    let page = desk.post(&own, "", "").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let by = taken_by(&desk, "web-01/disk").await;
    assert_eq!(by.as_deref(), Some("somebody with the link"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_logged_in_takes_over_by_name_and_the_first_one_stays() {
    let desk = Desk::new().await;
    problem(&desk, "disk full", "web-01/disk").await;
    let link = link(&desk, "web-01/disk", 0);
    let cookie = desk.logged_in(Scope::Act).await;
    desk.post(&link, "", &cookie).await;
    let page = desk.post(&link, "", "").await;
    assert!(page.text.contains("<bdi>anna</bdi>"), "{}", page.text);
    let by = taken_by(&desk, "web-01/disk").await;
    assert_eq!(by.as_deref(), Some("anna"));
    let acts = desk.acts.read(None, 10).await.unwrap().acts;
    let by: Vec<_> = acts
        .iter()
        .map(|act| (&*act.act, act.by.as_deref()))
        .collect();
    let expected = [
        ("acknowledge", Some("somebody with the link")),
        ("acknowledge", Some("anna")),
        ("log in", Some("anna")),
    ];
    assert_eq!(by, expected);
}
