//! The first page: what is open, who was notified, what comes next, and taking over.

use annunciator::{Kind, Notification, Route, Severity, store::Query};
use annunciator_web::Scope;
use axum::http::{StatusCode, header};

use crate::desk::Desk;

/// A group whose second step waits, and a channel that suppresses what is not critical.
const GROUP: &str = "notification_channels:
  pager: {type: steady, text: x}
  mail: {type: steady, text: y}
  broken: {type: steady, outcomes: [never]}
notification_groups:
  oncall: {first_of: [pager, mail], until: acknowledged, step_after: 5m}
default_notification_channels: [oncall, broken]
";

pub async fn problem(desk: &Desk, text: &str, incident: &str) {
    let notification = Notification::new(text)
        .severity(Severity::Critical)
        .kind(Kind::Problem)
        .incident(incident);
    let notified = desk
        .engine
        .submit(Route::Defaults, notification, None)
        .await;
    notified.unwrap();
}

/// Waits until a condition of the page is met.
async fn page_with(desk: &Desk, path: &str, cookie: &str, needed: &[&str]) -> String {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let page = desk.get(path, cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        if needed.iter().all(|text| page.text.contains(text)) {
            return page.text;
        }
        let is_late = std::time::Instant::now() > deadline;
        assert!(!is_late, "not all of {needed:?} is on {}", page.text);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_says_who_was_notified_and_what_comes_next() {
    let desk = Desk::with(GROUP).await;
    let cookie = desk.logged_in(Scope::Act).await;
    page_with(
        &desk,
        "/",
        &cookie,
        &["<strong>0</strong>need you", "Nothing is open"],
    )
    .await;
    problem(&desk, "disk full", "web-01/disk").await;
    let needed = [
        "(1) Now · test",
        "<strong>1</strong>need you",
        "critical",
        "disk full",
        "delivered ",
        "unless acknowledged (step 2 of oncall)",
        "failed ",
        "after 1 attempt",
        "Take over",
    ];
    let text = page_with(&desk, "/", &cookie, &needed).await;
    assert!(text.contains("in 4:") || text.contains("in 5:00"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_over_is_named_and_may_give_it_back() {
    let desk = Desk::with(GROUP).await;
    let cookie = desk.logged_in(Scope::Act).await;
    problem(&desk, "disk full", "web-01/disk").await;
    let act = "/acknowledge?incident=web-01%2Fdisk";
    page_with(&desk, "/", &cookie, &[act]).await;
    let page = desk.post(act, "", &cookie).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    assert_eq!(page.header(header::LOCATION), "/");
    let needed = [
        "<strong>1</strong>taken over",
        "<bdi>anna</bdi>",
        "the page",
        "Give back",
    ];
    let text = page_with(&desk, "/", &cookie, &needed).await;
    assert!(text.contains("<title>Now"), "nobody is needed: {text}");
    assert!(text.contains("superseded"), "{text}");
    let page = desk
        .post("/withdraw?incident=web-01%2Fdisk", "", &cookie)
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    page_with(&desk, "/", &cookie, &["<strong>1</strong>need you"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_that_make_no_sense_are_refused() {
    let desk = Desk::with(GROUP).await;
    let cookie = desk.logged_in(Scope::Act).await;
    problem(&desk, "disk full", "i").await;
    let post = async |path: &str, form: &str| desk.post(path, form, &cookie).await.status;
    assert_eq!(
        post("/acknowledge?incident=other", "").await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(post("/acknowledge", "").await, StatusCode::BAD_REQUEST);
    assert_eq!(
        post("/acknowledge?incident=i&x=1", "").await,
        StatusCode::BAD_REQUEST
    );
    let unknown = post("/acknowledge?incident=i", "x=1").await;
    assert_eq!(unknown, StatusCode::UNPROCESSABLE_ENTITY);
    let elsewhere = desk
        .post("/acknowledge?incident=i", "back=//evil.example", &cookie)
        .await;
    assert_eq!(elsewhere.header(header::LOCATION), "/");
    let page = desk.get("/?page=x", &cookie).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_look_sees_no_buttons_and_cannot_act() {
    let desk = Desk::with(GROUP).await;
    let cookie = desk.logged_in(Scope::Read).await;
    problem(&desk, "disk full", "i").await;
    let text = page_with(&desk, "/", &cookie, &["disk full", "may look"]).await;
    assert!(!text.contains("Take over"), "{text}");
    let page = desk.post("/acknowledge?incident=i", "", &cookie).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("may look and not act"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_page_has_what_the_first_has_not() {
    let desk = Desk::new().await;
    let cookie = desk.logged_in(Scope::Act).await;
    for number in 0..51 {
        problem(
            &desk,
            &format!("problem {number:03}"),
            &format!("i{number}"),
        )
        .await;
    }
    let first = page_with(&desk, "/", &cookie, &["problem 000", "Page 1 of 2"]).await;
    assert!(!first.contains("problem 050"), "the oldest come first");
    let second = page_with(&desk, "/?page=2", &cookie, &["problem 050", "Page 2 of 2"]).await;
    assert!(!second.contains("problem 000"), "{second}");
    page_with(&desk, "/?page=999", &cookie, &["Page 2 of 2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_filtered_and_paged_and_one_is_shown_with_its_attempts() {
    let desk = Desk::with(GROUP).await;
    let cookie = desk.logged_in(Scope::Act).await;
    problem(&desk, "disk full", "i").await;
    let failed = "/deliveries?state=failed&channel=&host=&incident=i";
    let text = page_with(&desk, failed, &cookie, &["failed ", "disk full"]).await;
    assert!(!text.contains("<bdi>mail</bdi></td>"), "{text}");
    let query = Query {
        channel: Some("broken".to_owned()),
        limit: 1,
        ..Query::default()
    };
    let found = desk
        .engine
        .store()
        .unwrap()
        .deliveries(query)
        .await
        .unwrap();
    let path = format!("/deliveries/{}", found[0].delivery);
    page_with(
        &desk,
        &path,
        &cookie,
        &[
            "Attempts",
            " ms",
            "Retry",
            "broken",
            "not delivered</span>",
            "Up to: ",
        ],
    )
    .await;
    let page = desk.post(&format!("{path}/retry"), "", &cookie).await;
    assert_eq!(page.header(header::LOCATION), path);
    for (path, status) in [
        ("/deliveries?state=no", StatusCode::BAD_REQUEST),
        ("/deliveries?more=1", StatusCode::BAD_REQUEST),
        ("/deliveries/999", StatusCode::NOT_FOUND),
        ("/deliveries/x", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(desk.get(path, &cookie).await.status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_deliveries_are_on_the_next_page() {
    let desk = Desk::new().await;
    let cookie = desk.logged_in(Scope::Read).await;
    for number in 0..51 {
        problem(&desk, &format!("problem {number:03}"), "i").await;
    }
    let path = "/deliveries?incident=i";
    let first = page_with(&desk, path, &cookie, &["problem 050", "Older"]).await;
    assert!(!first.contains("problem 000"), "{first}");
    let (_, rest) = first
        .split_once("href=\"/deliveries?incident=i&amp;")
        .unwrap();
    let cursor = rest.split('"').next().unwrap();
    let next = format!("{path}&{cursor}");
    let second = page_with(&desk, &next, &cookie, &["problem 000"]).await;
    assert!(!second.contains("Older"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_listed_and_checked() {
    let desk = Desk::with(GROUP).await;
    let cookie = desk.logged_in(Scope::Act).await;
    page_with(
        &desk,
        "/channels",
        &cookie,
        &["pager", "steady", "no trouble known", "Check"],
    )
    .await;
    let page = desk.post("/channels/pager/check", "", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("role=\"status\""), "{}", page.text);
    let page = desk.post("/channels/none/check", "", &cookie).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_text_reaches_no_page_raw() {
    let desk = Desk::new().await;
    let cookie = desk.logged_in(Scope::Act).await;
    let controls = (0..=0xa0)
        .filter_map(char::from_u32)
        .filter(|c| c.is_control());
    let bidi = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    let hostile: Vec<char> = controls.chain(bidi.chars()).collect();
    for (number, c) in hostile.iter().enumerate() {
        let text = format!("x{c}<script>alert(1)</script>");
        problem(&desk, &text, &format!("i{number}{c}<b>")).await;
    }
    let incident = annunciator_web::page::part("i40\u{202e}<b>");
    let paths = [
        "/".to_owned(),
        "/?page=2".to_owned(),
        "/deliveries".to_owned(),
        "/deliveries/1".to_owned(),
        "/deliveries/30".to_owned(),
        format!("/deliveries?incident={incident}&host=%E2%80%AE%1B&channel=%E2%80%AE"),
    ];
    for path in paths {
        let page = desk.get(&path, &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(!page.text.contains("<script>"), "{path}");
        let found = hostile
            .iter()
            .find(|c| **c != '\n' && page.text.contains(**c));
        assert_eq!(found, None, "{path}");
    }
}
