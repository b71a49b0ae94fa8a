//! The format `template`, and expressions that override fields of the others.

use annunciator::{Kind, Notification, Severity};
use annunciator_ingest::{Fault, Reason, Request};
use serde_json::json;

use crate::{ALERTMANAGER, NOW_MS, attribute, read, read_all, sources};

const CI: &str = r#"ci:
  format: template
  each: payload.builds
  when: item.status != "running"
  kind: '"recovery" if item.ok else "problem"'
  incident: item.job
  host: item.runner
  severity: '"critical" if item.main else "warning"'
  title: item.name
  text: item.log
  url: item.link
  attributes: {branch: item.branch, by: 'headers["x-user"]', page: query.page, of: source}
  key: item.id
  occurred_at: item.finished_at"#;

#[test]
fn every_field_of_a_payload_without_a_format_can_be_mapped() {
    let body = json!({"builds": [
        {"status": "running", "name": "still running"},
        {"status": "done", "ok": false, "job": "build", "runner": "ci-1", "main": true,
         "name": "Build 7\nfailed", "log": ["line 1", "line 2"], "link": "https://ci.example/7",
         "branch": "main", "id": 7, "finished_at": "2026-11-23T03:31:00+01:00"},
        {"status": "done", "ok": true, "job": "build", "log": "fine", "id": 8, "finished_at": 1_795_401_060},
    ]})
    .to_string();
    let sources = sources(CI);
    let request = Request::new(body.as_bytes(), 0)
        .header("X-User", b"anna")
        .header("Authorization", b"Bearer secret")
        .query("page=a%20b&page2=c");
    let reading = sources.get("ci").unwrap().read(&request).unwrap();
    assert_eq!((reading.skipped, reading.errors.len()), (1, 0));
    let [failed, fixed] = &reading.events[..] else {
        panic!("{reading:?}");
    };
    assert_eq!(failed.kind, Kind::Problem);
    assert_eq!(failed.severity, Severity::Critical);
    assert_eq!(failed.incident.as_deref(), Some("ci/build"));
    assert_eq!(failed.host.as_deref(), Some("ci-1"));
    assert_eq!(failed.title.as_deref(), Some("Build 7 failed"));
    assert_eq!(failed.text, "line 1\nline 2");
    assert_eq!(failed.url.as_deref(), Some("https://ci.example/7"));
    assert_eq!(failed.key.as_deref(), Some("ci/7"));
    assert_eq!(failed.occurred_at_ms, Some(NOW_MS));
    for (name, value) in [
        ("branch", "main"),
        ("by", "anna"),
        ("page", "a b"),
        ("of", "ci"),
    ] {
        assert_eq!(attribute(failed, name), Some(value));
    }
    assert_eq!(
        (fixed.kind, fixed.severity),
        (Kind::Recovery, Severity::Warning)
    );
    assert_eq!(fixed.occurred_at_ms, Some(NOW_MS));
    assert_eq!(fixed.title, None);
    assert_eq!(attribute(fixed, "branch"), None);
}

#[test]
fn secrets_in_headers_are_in_no_scope() {
    let sources = sources("s: {format: template, text: '\"x\" ~ headers ~ query'}");
    let request = Request::new(b"{}", 0)
        .header("Authorization", b"Bearer secret")
        .header("cookie", b"session=secret")
        .header("X-Gitlab-Token", b"secret")
        .query("TOKEN=secret&a=b")
        .header("accept", b"open");
    let event = sources
        .get("s")
        .unwrap()
        .read(&request)
        .unwrap()
        .events
        .remove(0);
    assert!(
        event.text.contains("open") && !event.text.contains("secret"),
        "{}",
        event.text
    );
}

#[test]
fn an_event_becomes_a_notification_with_its_link_as_an_attribute() {
    let settings = "{format: template, title: item.a, text: item.b, url: item.c, attributes: {k: item.d}, incident: item.a, key: item.a}";
    let body = r#"{"a": "A", "b": "B", "c": "https://c.example/", "d": 4}"#;
    let event = read(settings, body).remove(0);
    let expected = Notification::new("B")
        .title("A")
        .severity(Severity::Info)
        .kind(Kind::Problem)
        .incident("s/A")
        .key("s/A")
        .attribute("url", "https://c.example/")
        .attribute("k", "4");
    assert_eq!(event.notification(), expected);
}

#[test]
fn a_shipped_format_keeps_what_is_not_overridden() {
    let settings = "{format: alertmanager, when: item.labels.severity == 'critical', title: payload.receiver ~ ' ' ~ item.labels.alertname, channels: [a]}";
    let section = format!("s: {settings}");
    let text = format!(
        "notification_channels:\n  a: {{type: steady, text: x}}\n{}",
        crate::file(&section)
    );
    let (config, _) = crate::check(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let sources = annunciator_ingest::Sources::of(&config);
    let request = Request::new(ALERTMANAGER.as_bytes(), NOW_MS);
    let reading = sources.get("s").unwrap().read(&request).unwrap();
    assert_eq!(reading.skipped, 1);
    let event = &reading.events[0];
    assert_eq!(
        event.title.as_deref(),
        Some("hbd NodeFilesystemAlmostOutOfSpace")
    );
    assert_eq!(event.host.as_deref(), Some("prod-web-01"));
    assert!(reading.events.iter().all(|event| event.channels == ["a"]));
}

#[test]
fn a_field_that_fails_is_left_out_and_people_are_notified() {
    let settings = "{format: template, text: item.text, url: item.link, severity: item.severity, occurred_at: item.at, host: item.host, kind: item.kind, title: item.n | round, attributes: {a: item.n | round}}";
    let body = r#"{"text": "x", "link": "javascript:alert(1)", "severity": "awful", "at": "soon", "host": {"a": 1}, "kind": "poem", "n": "seven"}"#;
    let reading = read_all(settings, body);
    let event = &reading.events[0];
    assert_eq!((event.text.as_str(), event.kind), ("x", Kind::Message));
    assert_eq!(
        (&event.url, &event.host, event.occurred_at_ms),
        (&None, &None, None)
    );
    let mut found: Vec<_> = reading
        .errors
        .iter()
        .map(|error| (error.field_name().unwrap(), error.reason().name()))
        .collect();
    found.sort_unstable();
    let expected = [
        ("attributes.a", "mapping_failed"),
        ("host", "wrong_type"),
        ("kind", "wrong_type"),
        ("occurred_at", "wrong_type"),
        ("severity", "wrong_type"),
        ("title", "mapping_failed"),
        ("url", "wrong_type"),
    ];
    assert_eq!(found, expected);
    assert!(
        reading
            .errors
            .iter()
            .all(|error| error.fault() == Fault::Mapping)
    );
    let url = reading
        .errors
        .iter()
        .find(|error| error.field_name() == Some("url"))
        .unwrap();
    assert_eq!(
        url.to_string(),
        "the file's mapping, item 0, `url`: gives `javascript:alert(1)`; expected an address of http or https"
    );
}

#[test]
fn a_failing_filter_lets_items_pass() {
    let reading = read_all(
        "{format: template, text: item.a, when: item.a | round}",
        r#"{"a": "x"}"#,
    );
    assert_eq!((reading.events.len(), reading.skipped), (1, 0));
    assert_eq!(reading.errors[0].field_name(), Some("when"));
}

#[test]
fn what_gives_nothing_says_so() {
    let error = |settings: &str, body: &str| {
        let sources = sources(&format!("s: {settings}"));
        let request = Request::new(body.as_bytes(), NOW_MS);
        sources.get("s").unwrap().read(&request).unwrap_err()
    };
    let each = "{format: template, each: payload.a, text: item}";
    for (settings, body, reason, fault) in [
        (each, "{}", Reason::Nothing, Fault::Mapping),
        (each, r#"{"a": []}"#, Reason::Nothing, Fault::Mapping),
        (
            each,
            r#"{"a": {"b": 1}}"#,
            Reason::WrongType,
            Fault::Mapping,
        ),
        (each, r#"{"a": [""]}"#, Reason::Nothing, Fault::Sender),
        (each, "[", Reason::NotJson, Fault::Sender),
        (each, "", Reason::NotJson, Fault::Sender),
        (
            "{format: template, text: item.b}",
            "{}",
            Reason::Nothing,
            Fault::Sender,
        ),
        (
            "{format: alertmanager}",
            r#"{"alerts": []}"#,
            Reason::Nothing,
            Fault::Sender,
        ),
        (
            "{format: alertmanager}",
            "[]",
            Reason::WrongType,
            Fault::Sender,
        ),
        ("{format: prometheus}", "[]", Reason::Nothing, Fault::Sender),
        (
            "{format: prometheus}",
            "{}",
            Reason::WrongType,
            Fault::Sender,
        ),
        ("{format: apprise}", "[]", Reason::WrongType, Fault::Sender),
        (
            "{format: template, each: payload | round, text: item}",
            "{}",
            Reason::MappingFailed,
            Fault::Mapping,
        ),
    ] {
        let error = error(settings, body);
        assert_eq!(
            (error.reason(), error.fault()),
            (reason, fault),
            "{settings} {body}: {error}"
        );
    }
}

#[test]
fn a_form_can_be_mapped_too() {
    let sources = sources("s: {format: template, text: item.message, title: item.title}");
    let request = Request::new(b"title=Hi&message=a+b%0Ac", 0)
        .header("content-type", b"application/x-www-form-urlencoded");
    let event = sources
        .get("s")
        .unwrap()
        .read(&request)
        .unwrap()
        .events
        .remove(0);
    assert_eq!(
        (event.title.as_deref(), event.text.as_str()),
        (Some("Hi"), "a b\nc")
    );
}
