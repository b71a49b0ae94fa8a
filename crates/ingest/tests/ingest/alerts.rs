//! Alerts of Alertmanager, Prometheus and Grafana.

use annunciator::{Kind, Severity};
use annunciator_ingest::{Event, Reason, Request};
use serde_json::{Value as Json, json};

use crate::{
    ALERTMANAGER, GRAFANA, NOW_MS, PROMETHEUS, REAL_ALERTMANAGER, REAL_PROMETHEUS, attribute, read,
    read_all, sources,
};

const HOUR_MS: i64 = 3_600_000;

/// Reads at a time.
fn read_at(settings: &str, body: &str, now_ms: i64) -> Vec<Event> {
    let sources = sources(&format!("s: {settings}"));
    let request = Request::new(body.as_bytes(), now_ms);
    sources.get("s").unwrap().read(&request).unwrap().events
}

/// A group of one alert with these labels.
fn group(labels: Json) -> String {
    json!({"status": "firing", "alerts": [{"labels": labels, "startsAt": "2026-11-23T02:30:00Z"}]})
        .to_string()
}

#[test]
fn an_alertmanager_reports_what_fires_what_is_resolved_and_what_it_left_out() {
    let events = read("{format: alertmanager}", ALERTMANAGER);
    let [firing, resolved, truncated] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(firing.kind, Kind::Problem);
    assert_eq!(firing.severity, Severity::Critical);
    assert_eq!(firing.incident.as_deref(), Some("s/6b2d0cd1ad5ab1e7"));
    assert_eq!(firing.host.as_deref(), Some("prod-web-01"));
    assert_eq!(
        firing.title.as_deref(),
        Some("Filesystem has less than 3% space left.")
    );
    assert!(firing.text.starts_with("Filesystem on /dev/sda1"));
    assert!(
        firing
            .url
            .as_deref()
            .unwrap()
            .contains("g0.expr=node_filesystem")
    );
    assert!(
        attribute(firing, "runbook_url")
            .unwrap()
            .starts_with("https://runbooks")
    );
    assert_eq!(attribute(firing, "mountpoint"), Some("/var"));
    assert_eq!(firing.occurred_at_ms, Some(1_795_401_000_123));
    assert_eq!(
        firing.key.as_deref(),
        Some("s/6b2d0cd1ad5ab1e7/1795401000123/firing")
    );
    assert_eq!(firing.ends_at_ms, None);

    assert_eq!(resolved.kind, Kind::Recovery);
    assert_eq!(resolved.severity, Severity::Info);
    assert_eq!(resolved.incident.as_deref(), Some("s/d1b4bd8ac14cf5b1"));
    assert_eq!(
        resolved.title.as_deref(),
        Some("Resolved: Instance prod-db-01:9100 down")
    );
    assert_eq!(resolved.text, "This is over after 1h 5m.");
    assert!(resolved.key.as_deref().unwrap().ends_with("/resolved"));

    assert_eq!(truncated.kind, Kind::Message);
    assert_eq!(truncated.title.as_deref(), Some("2 alerts were left out"));
    assert_eq!(truncated.severity, Severity::Warning);
    assert!(truncated.key.is_some());
}

#[test]
fn an_alert_that_is_sent_again_is_a_reminder_only_after_a_while() {
    let key = |settings: &str, hours: i64| {
        let events = read_at(settings, ALERTMANAGER, NOW_MS + hours * HOUR_MS);
        (
            events[0].key.clone(),
            events[1].key.clone(),
            events[2].key.clone(),
        )
    };
    let first = key("{format: alertmanager}", 0);
    assert_eq!(key("{format: alertmanager}", 1).0, first.0);
    let later = key("{format: alertmanager}", 4);
    assert_ne!(later.0, first.0);
    // An end is one end, and what was left out is repeated as reminders are.
    assert_eq!(later.1, first.1);
    assert_ne!(later.2, first.2);
    assert_ne!(key("{format: alertmanager}", 9).0, later.0);
    let never = "{format: alertmanager, remind_every: off}";
    assert_eq!(key(never, 900).0, key(never, 0).0);
    let often = "{format: alertmanager, remind_every: 30m}";
    assert_ne!(key(often, 1).0, key(often, 0).0);
}

#[test]
fn prometheus_itself_is_notified_of_once_until_it_ends_or_is_silent() {
    let settings = "{format: prometheus}";
    let first = read(settings, PROMETHEUS).remove(0);
    assert_eq!(first.kind, Kind::Problem);
    assert_eq!(first.host.as_deref(), Some("prod-web-01"));
    assert_eq!(first.ends_at_ms, Some(1_795_401_240_000));
    // A minute later, the same alert has a later end.
    let again = PROMETHEUS.replace("02:34:00", "02:35:00");
    let again = read_at(settings, &again, NOW_MS + 60_000).remove(0);
    assert_eq!((&again.key, &again.incident), (&first.key, &first.incident));
    assert_eq!(again.ends_at_ms, Some(1_795_401_300_000));
    // It ends by its own word, or by silence: people learn of one end.
    let ended = PROMETHEUS.replace("02:34:00", "02:30:30");
    let ended = read(settings, &ended).remove(0);
    let silent = first.ended(first.ends_at_ms.unwrap()).unwrap();
    assert_eq!((ended.kind, silent.kind), (Kind::Recovery, Kind::Recovery));
    assert_eq!(
        (&ended.key, &ended.incident),
        (&silent.key, &silent.incident)
    );
    assert!(ended.key.is_some());
    assert_eq!(ended.ends_at_ms, None);
    assert_eq!(silent.occurred_at_ms, first.ends_at_ms);
    assert!(silent.text.contains("no longer sent"), "{}", silent.text);
    assert!(ended.ended(0).is_none());
    // What was silent for a while only is a problem anew, with an end of its own.
    let renewed = first.renewed(7);
    assert_ne!(renewed.key, first.key);
    assert_eq!(renewed.key, first.renewed(7).key);
    assert_ne!(renewed.key, first.renewed(8).key);
    assert_eq!(renewed.ended(8).unwrap().key, ended.renewed(7).key);
    assert_ne!(renewed.ended(8).unwrap().key, silent.key);
    // The next time that it fires, it has begun anew.
    let next = PROMETHEUS.replace("02:30:00", "02:30:50");
    assert_ne!(read(settings, &next).remove(0).key, first.key);
}

#[test]
fn an_alert_without_an_end_lasts_for_five_minutes() {
    let body = r#"[{"labels": {"alertname": "a"}}]"#;
    let event = read("{format: prometheus}", body).remove(0);
    assert_eq!(event.ends_at_ms, Some(NOW_MS + 300_000));
    assert_eq!(event.key, None);
    assert_eq!(event.text, "a");
}

#[test]
fn the_path_that_a_prometheus_adds_is_known() {
    let sources = sources("p: {format: prometheus}");
    let source = sources.get("p").unwrap();
    let request = |path| Request::new(PROMETHEUS.as_bytes(), NOW_MS).path(path);
    assert_eq!(
        source
            .read(&request("/api/v2/alerts"))
            .unwrap()
            .events
            .len(),
        1
    );
    let error = source.read(&request("api/v1/alerts")).unwrap_err();
    assert_eq!(error.reason(), Reason::WrongPath);
}

#[test]
fn equal_labels_are_one_incident_in_any_order() {
    let one = r#"[{"labels": {"alertname": "a", "b": "c", "empty": ""}}]"#;
    let two = r#"[{"labels": {"b": "c", "alertname": "a"}}]"#;
    let three = r#"[{"labels": {"b": "c2", "alertname": "a"}}]"#;
    let incident = |body| read("{format: prometheus}", body).remove(0).incident;
    assert_eq!(incident(one), incident(two));
    assert_ne!(incident(one), incident(three));
}

#[test]
fn a_real_prometheus_and_its_alertmanager_report_the_same() {
    // The second alert has ended, and the first is some seconds old.
    let now_ms = 1_796_065_995_000;
    let direct = read_at("{format: prometheus}", REAL_PROMETHEUS, now_ms);
    let grouped = read_at("{format: alertmanager}", REAL_ALERTMANAGER, now_ms);
    assert_eq!((direct.len(), grouped.len()), (2, 2));
    let kinds = |events: &[Event]| events.iter().map(|event| event.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&direct), [Kind::Problem, Kind::Recovery]);
    assert_eq!(kinds(&grouped), kinds(&direct));
    for (direct, grouped) in direct.iter().zip(&grouped) {
        let expected = Event {
            ends_at_ms: direct.ends_at_ms,
            ..grouped.clone()
        };
        assert_eq!(*direct, expected);
    }
    assert_eq!(direct[0].severity, Severity::Critical);
    assert_eq!(direct[0].host.as_deref(), Some("127.0.0.1"));
    assert!(direct[0].ends_at_ms.is_some_and(|ends_at| ends_at > now_ms));
    assert!(
        direct[1].text.starts_with("This is over after 6s."),
        "{}",
        direct[1].text
    );
}

/// The fingerprint that Alertmanager computes of these labels, by its own test:
/// <https://github.com/prometheus/common/blob/main/model/signature_test.go>
#[test]
fn fingerprints_are_those_of_alertmanager() {
    let body = r#"[{"labels": {"name": "garland, briggs", "fear": "love is not enough"}}]"#;
    let event = read("{format: prometheus}", body).remove(0);
    let expected = format!("s/{:016x}", 5_799_056_148_416_392_346_u64);
    assert_eq!(event.incident, Some(expected));
}

#[test]
fn a_grafana_adds_its_own_links_and_values() {
    let events = read("{format: grafana}", GRAFANA);
    let event = &events[0];
    assert_eq!(events.len(), 1);
    assert_eq!(event.incident.as_deref(), Some("s/c6eadffa33fcdf37"));
    assert_eq!(event.severity, Severity::Warning);
    assert_eq!(event.host, None);
    assert_eq!(event.text, "The system has high memory usage");
    assert_eq!(
        event.url.as_deref(),
        Some("https://play.grafana.org/alerting/1afz29v7z/edit")
    );
    for (name, begins) in [
        ("panel_url", "https://play.grafana.org/d/abc?viewPanel"),
        ("dashboard_url", "https://play.grafana.org/d/abc"),
        ("silence_url", "https://play.grafana.org/alerting/silence"),
        ("values", "[ var='B'"),
        ("org_id", "1"),
        ("team", "blue"),
    ] {
        let found = attribute(event, name).unwrap_or_default();
        assert!(found.starts_with(begins), "{name}: {found}");
    }
    assert_eq!(attribute(event, "__alert_rule_uid__"), None);
}

#[test]
fn a_severity_is_read_in_the_words_of_many_rules() {
    for (labels, expected) in [
        (json!({"severity": "page"}), Severity::Critical),
        (json!({"severity": "error"}), Severity::Critical),
        (json!({"severity": "Critical"}), Severity::Critical),
        (json!({"severity": "warning"}), Severity::Warning),
        (json!({"severity": "info"}), Severity::Info),
        (json!({"severity": "none"}), Severity::Info),
        (json!({"severity": "ticket"}), Severity::Warning),
        (json!({"priority": "high"}), Severity::Critical),
        (json!({"a": "b"}), Severity::Warning),
    ] {
        let event = read("{format: alertmanager}", &group(labels.clone())).remove(0);
        assert_eq!(event.severity, expected, "{labels}");
    }
}

#[test]
fn the_most_deliberate_label_names_the_host() {
    for (labels, expected) in [
        (json!({"instance": "a:1", "node": "b"}), Some("b")),
        (
            json!({"instance": "a:1", "host": "c", "node": "b"}),
            Some("c"),
        ),
        (json!({"instance": "a:1"}), Some("a")),
        (json!({"job": "x"}), None),
    ] {
        let event = read("{format: alertmanager}", &group(labels)).remove(0);
        assert_eq!(event.host.as_deref(), expected);
    }
    let settings = "{format: alertmanager, host: item.labels.pod}";
    let event = read(settings, &group(json!({"pod": "p", "host": "h"}))).remove(0);
    assert_eq!(event.host.as_deref(), Some("p"));
}

#[test]
fn one_wrong_alert_does_not_cost_the_others() {
    let body = json!({"status": "firing", "alerts": [
        17,
        {"labels": {}, "status": "firing"},
        {"labels": {"a": {"b": 1}, "c": "d"}, "status": "broken", "startsAt": "soon"},
        {"labels": {"alertname": "fine"}, "generatorURL": "/graph"},
    ]});
    let reading = read_all("{format: alertmanager}", &body.to_string());
    assert_eq!(reading.events.len(), 2);
    let places: Vec<_> = reading
        .errors
        .iter()
        .map(|error| (error.item_index(), error.field_name().unwrap_or_default()))
        .collect();
    let expected = [
        (Some(0), "labels"),
        (Some(1), "labels"),
        (Some(2), "labels.a"),
        (Some(2), "startsAt"),
        (Some(2), "status"),
        (Some(3), "generatorURL"),
    ];
    assert_eq!(places, expected);
    assert!(
        reading
            .errors
            .iter()
            .all(|error| error.reason() == Reason::WrongType)
    );
}
