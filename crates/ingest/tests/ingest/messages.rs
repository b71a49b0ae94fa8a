//! CloudEvents and Apprise.

use annunciator::{Kind, Severity};
use annunciator_ingest::{Event, IngestError, Reason, Request};

use crate::{CLOUDEVENTS, NOW_MS, attribute, read, sources};

/// Reads a request with headers.
fn read_with(
    settings: &str,
    headers: &[(&'static str, &'static str)],
    body: &[u8],
) -> Result<Vec<Event>, IngestError> {
    let sources = sources(&format!("s: {settings}"));
    let mut request = Request::new(body, NOW_MS);
    for (name, value) in headers {
        request = request.header(name, value.as_bytes());
    }
    sources
        .get("s")
        .unwrap()
        .read(&request)
        .map(|reading| reading.events)
}

#[test]
fn a_batch_of_cloudevents_is_an_event_each() {
    let headers = [(
        "Content-Type",
        "application/cloudevents-batch+json; charset=UTF-8",
    )];
    let events = read_with("{format: cloudevents}", &headers, CLOUDEVENTS.as_bytes()).unwrap();
    let [failed, finished] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        failed.title.as_deref(),
        Some("com.example.deploy.failed: web")
    );
    assert_eq!(failed.text, "the health check timed out");
    assert_eq!(failed.severity, Severity::Critical);
    assert_eq!((failed.kind, &failed.incident), (Kind::Message, &None));
    assert_eq!(failed.occurred_at_ms, Some(NOW_MS));
    assert_eq!(attribute(failed, "comexampleextension1"), Some("value"));
    assert_eq!(attribute(failed, "data"), None);
    assert_eq!(finished.text, "<much wow=\"xml\"/>");
    assert_eq!(finished.severity, Severity::Info);
    // What is unique is the source with the id.
    assert!(failed.key.as_deref().unwrap().ends_with("/A234-1234-1234"));
    assert_ne!(failed.key, finished.key);
}

#[test]
fn an_event_in_binary_mode_has_its_attributes_in_headers() {
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-time", "2026-11-23T02:31:00Z"),
        ("CE-ID", "1234-1234-1234"),
        ("ce-source", "/mycontext/Euro%20%E2%82%AC"),
        ("Content-Type", "application/json; charset=utf-8"),
    ];
    let settings = "{format: cloudevents, host: item.data.machine}";
    let body = br#"{"machine": "prod-web-01", "load": 9}"#;
    let event = read_with(settings, &headers, body).unwrap().remove(0);
    assert_eq!(event.host.as_deref(), Some("prod-web-01"));
    assert_eq!(attribute(&event, "source"), Some("/mycontext/Euro €"));
    assert!(event.text.contains("\"load\": 9"), "{}", event.text);
    let plain = [&headers[..5], &[("content-type", "text/plain")]].concat();
    let event = read_with("{format: cloudevents}", &plain, b"hello")
        .unwrap()
        .remove(0);
    assert_eq!(event.text, "hello");
    let empty = read_with("{format: cloudevents}", &headers[..5], b"")
        .unwrap()
        .remove(0);
    assert_eq!(empty.text, "com.example.someevent of /mycontext/Euro €");
    let mut wrong = headers;
    wrong[4].1 = "%C0%A0";
    let error = read_with("{format: cloudevents}", &wrong, body).unwrap_err();
    assert_eq!(
        (error.reason(), error.field_name()),
        (Reason::WrongType, Some("ce-source"))
    );
}

#[test]
fn an_event_in_structured_mode_stands_in_the_body() {
    let body = br#"{"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": null}"#;
    for headers in [&[("content-type", "application/cloudevents+json")][..], &[]] {
        let event = read_with("{format: cloudevents}", headers, body)
            .unwrap()
            .remove(0);
        assert_eq!(event.text, "t of s");
    }
    for (body, field) in [
        (
            &br#"{"specversion": "1.0", "id": "1", "source": "s"}"#[..],
            Some("type"),
        ),
        (
            br#"{"specversion": "0.3", "id": "1", "source": "s", "type": "t"}"#,
            Some("specversion"),
        ),
        (br#"{"id": "1"}"#, None),
    ] {
        let error = read_with("{format: cloudevents}", &[], body).unwrap_err();
        assert_eq!(
            (error.reason(), error.field_name()),
            (Reason::WrongType, field)
        );
    }
}

#[test]
fn apprise_sends_json_a_form_or_a_form_of_parts() {
    let parts = b"--X\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\ntest message\r\n\
        --X\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\ndevops\r\n--X--\r\n";
    for (content_type, body) in [
        (
            "application/json",
            &br#"{"body": "test message", "tag": ["devops"]}"#[..],
        ),
        (
            "application/x-www-form-urlencoded",
            b"body=test message&tag=devops",
        ),
        ("multipart/form-data; boundary=X", parts),
    ] {
        let headers = [("Content-Type", content_type)];
        let event = read_with("{format: apprise}", &headers, body)
            .unwrap()
            .remove(0);
        assert_eq!(event.text, "test message");
        assert_eq!(attribute(&event, "tag"), Some("devops"));
        assert_eq!(
            (event.kind, event.severity),
            (Kind::Message, Severity::Info)
        );
    }
}

#[test]
fn a_success_is_a_recovery_only_with_an_incident() {
    let body = |kind: &str| format!(r#"{{"title": "Backup", "body": "b", "type": "{kind}"}}"#);
    let plain = |kind: &str| read("{format: apprise}", &body(kind)).remove(0);
    let owned = |kind: &str| read("{format: apprise, incident: item.title}", &body(kind)).remove(0);
    for (kind, severity, of_incident) in [
        ("info", Severity::Info, Kind::Message),
        ("success", Severity::Info, Kind::Recovery),
        ("warning", Severity::Warning, Kind::Problem),
        ("failure", Severity::Critical, Kind::Problem),
    ] {
        assert_eq!(
            (plain(kind).kind, plain(kind).severity),
            (Kind::Message, severity)
        );
        assert_eq!(owned(kind).kind, of_incident, "{kind}");
        assert_eq!(owned(kind).incident.as_deref(), Some("s/Backup"));
    }
    let settings = r#"{format: apprise, incident: item.title, kind: '"message"'}"#;
    assert_eq!(
        read(settings, &body("success")).remove(0).kind,
        Kind::Message
    );
}

#[test]
fn html_of_apprise_becomes_text() {
    let body = r#"{"body": "<b>disk</b> full<br>now &amp; here", "format": "html"}"#;
    let event = read("{format: apprise}", body).remove(0);
    assert_eq!(event.text, "disk full\nnow & here");
}

#[test]
fn an_apprise_message_without_a_body_is_nothing() {
    let error = read_with("{format: apprise}", &[], br#"{"tag": "x"}"#).unwrap_err();
    assert_eq!(error.reason(), Reason::Nothing);
}
