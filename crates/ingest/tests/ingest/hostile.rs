//! What a hostile or broken sender sends: nothing panics, and everything is bounded.

use std::sync::LazyLock;

use annunciator::Kind;
use annunciator_ingest::{
    Mail, Reading, Reason, Recipients, Request, Sources,
    limits::{
        MAX_ATTRIBUTES, MAX_BODY_SIZE, MAX_ITEMS, MAX_KEY_LENGTH, MAX_LINE_LENGTH, MAX_TEXT_LENGTH,
    },
};
use annunciator_testkit::effort::rounds;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{ALERTMANAGER, CLOUDEVENTS, GRAFANA, NOW_MS, PROMETHEUS, read_all, sources};

const ALL: &str = "alertmanager: {format: alertmanager, title: item.labels.alertname ~ item.x}
prometheus: {format: prometheus, attributes: {a: item.annotations, b: payload}}
grafana: {format: grafana, text: item.values, key: item.startsAt}
cloudevents: {format: cloudevents, host: item.source, incident: item.id, url: item.data}
apprise: {format: apprise, incident: item.title, occurred_at: item.body}
template: {format: template, each: payload, when: item != 1, kind: item.kind, text: item, title: item.a, severity: item.b, url: item.c, key: item.d, host: item.e, incident: item.f, occurred_at: item.g, attributes: {h: item.h}}";

static SOURCES: LazyLock<Sources> = LazyLock::new(|| sources(ALL));

/// Checks what holds of every reading.
fn check(source: &str, reading: &Reading) {
    assert!(reading.events.len() <= MAX_ITEMS + 1);
    let prefix = format!("{source}/");
    for event in &reading.events {
        assert!(!event.text.trim().is_empty());
        assert!(event.text.len() <= MAX_TEXT_LENGTH);
        let lines = [&event.title, &event.host, &event.incident, &event.url];
        for line in lines.into_iter().flatten() {
            assert!(line.len() <= MAX_LINE_LENGTH && !line.contains('\n'));
        }
        for name in [&event.incident, &event.key, &event.end_key]
            .into_iter()
            .flatten()
        {
            assert!(name.starts_with(&prefix), "{name}");
        }
        assert!(
            event
                .key
                .as_ref()
                .is_none_or(|key| key.len() <= MAX_KEY_LENGTH)
        );
        assert!(event.attributes.len() <= MAX_ATTRIBUTES);
        for (name, value) in &event.attributes {
            assert!(name.len() <= MAX_LINE_LENGTH && value.len() <= MAX_LINE_LENGTH);
        }
        let url = event.url.as_deref();
        assert!(url.is_none_or(|url| url.starts_with("http://") || url.starts_with("https://")));
        let _ = (
            event.notification(),
            event.ended(i64::MAX),
            event.ended(i64::MIN),
        );
    }
    for error in &reading.errors {
        let shown = error.to_string();
        assert!(
            !shown.contains(['\n', '\u{1b}', '\u{202e}']) && shown.len() < 1000,
            "{shown}"
        );
    }
}

fn read_by_all(all: &Sources, body: &[u8], content_type: &str) {
    for source in all.iter() {
        let request = Request::new(body, NOW_MS)
            .header("content-type", content_type.as_bytes())
            .header("ce-id", body)
            .header("ce-type", b"t")
            .header("ce-source", b"s")
            .header("ce-specversion", b"1.0");
        match source.read(&request) {
            Ok(reading) => check(source.name(), &reading),
            Err(error) => {
                let shown = error.to_string();
                assert!(!shown.contains(['\n', '\u{1b}', '\u{202e}']), "{shown}");
            }
        }
    }
}

/// Any JSON, with the words that payloads have.
fn any_json() -> impl Strategy<Value = Json> {
    let word = prop_oneof![
        Just("alerts".to_owned()),
        Just("labels".to_owned()),
        Just("annotations".to_owned()),
        Just("status".to_owned()),
        Just("startsAt".to_owned()),
        Just("endsAt".to_owned()),
        Just("fingerprint".to_owned()),
        Just("specversion".to_owned()),
        Just("id".to_owned()),
        Just("source".to_owned()),
        Just("type".to_owned()),
        Just("data".to_owned()),
        Just("body".to_owned()),
        Just("title".to_owned()),
        Just("severity".to_owned()),
        Just("instance".to_owned()),
        Just("generatorURL".to_owned()),
        Just("truncatedAlerts".to_owned()),
        Just("severitynumber".to_owned()),
        "[a-h]",
        ".{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        Just(json!("firing")),
        Just(json!("resolved")),
        Just(json!("1.0")),
        Just(json!("2026-11-23T02:30:00Z")),
        Just(json!("-009999-01-01T00:00:00Z")),
        Just(json!("https://[::1]:1/\u{202e}")),
        Just(json!("\u{1b}[31m\r\n")),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((word.clone(), inner), 0..8)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

/// Replaces one value somewhere in a JSON by another.
fn mutate(json: &mut Json, path: &[usize], by: Json) {
    let (Some(step), rest) = (path.first(), path.get(1..).unwrap_or_default()) else {
        *json = by;
        return;
    };
    let inner = match json {
        Json::Array(list) if !list.is_empty() => {
            let at = step % list.len();
            list.get_mut(at)
        }
        Json::Object(map) if !map.is_empty() => {
            let at = step % map.len();
            map.values_mut().nth(at)
        }
        _ => None,
    };
    match inner {
        Some(inner) => mutate(inner, rest, by),
        None => *json = by,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: rounds(100, 5_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn mutated_payloads_give_events_or_a_named_error(
        payload in 0..4_usize,
        paths in prop::collection::vec((prop::collection::vec(any::<usize>(), 0..5), any_json()), 1..4),
    ) {
        let mut body: Json =
            serde_json::from_str([ALERTMANAGER, PROMETHEUS, GRAFANA, CLOUDEVENTS][payload]).unwrap();
        for (path, by) in paths {
            mutate(&mut body, &path, by);
        }
        let body = body.to_string();
        for content_type in ["application/json", "application/cloudevents-batch+json"] {
            read_by_all(&SOURCES, body.as_bytes(), content_type);
        }
    }

    #[test]
    fn any_json_gives_events_or_a_named_error(body in any_json()) {
        read_by_all(&SOURCES, body.to_string().as_bytes(), "application/cloudevents+json");
    }

    #[test]
    fn any_bytes_give_events_or_a_named_error(
        body in prop::collection::vec(any::<u8>(), 0..300),
        content_type in prop_oneof![
            Just("application/json"), Just("multipart/form-data; boundary=X"),
            Just("application/x-www-form-urlencoded"), Just("text/plain"), Just("\u{1b}"),
        ],
    ) {
        read_by_all(&SOURCES, &body, content_type);
    }

    #[test]
    fn any_mail_is_read_or_refused(
        body in prop::collection::vec(any::<u8>(), 0..300),
        path in "[a-z0-9/%]{0,20}|.{0,20}",
    ) {
        let _ = Mail::read(&body, Recipients::Header(&["root", &path]));
        let headed = [b"To: ".as_slice(), &body].concat();
        let _ = Mail::read(&headed, Recipients::Header(&[]));
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let all = &SOURCES;
    let body = vec![b'['; MAX_BODY_SIZE + 1];
    for source in all.iter() {
        let error = source.read(&Request::new(&body, NOW_MS)).unwrap_err();
        assert_eq!(error.reason(), Reason::TooLong);
        let error = source.read(&Request::new(&body[1..], NOW_MS)).unwrap_err();
        let expected = match source.name() {
            "cloudevents" => Reason::WrongType,
            _ => Reason::TooDeep,
        };
        assert_eq!(error.reason(), expected, "{}", source.name());
    }
}

#[test]
fn of_too_many_items_the_first_are_read_and_the_rest_is_told() {
    let alert = json!({"labels": {"a": "b"}, "status": "firing"});
    let body = json!({"alerts": vec![alert; MAX_ITEMS + 5]}).to_string();
    let reading = read_all("{format: alertmanager}", &body);
    assert_eq!((reading.events.len(), reading.left_out), (MAX_ITEMS, 5));
    assert_eq!(reading.errors[0].reason(), Reason::TooMany);
    assert_eq!(reading.errors[0].item_index(), Some(MAX_ITEMS));
    let list = json!(vec![1; MAX_ITEMS + 5]).to_string();
    let reading = read_all("{format: template, each: payload, text: item}", &list);
    assert_eq!((reading.events.len(), reading.left_out), (MAX_ITEMS, 5));
}

#[test]
fn long_fields_are_cut_and_long_names_stay_different() {
    let long = |last: &str| format!("{}{last}", "ä".repeat(MAX_LINE_LENGTH));
    let body = |last: &str| {
        json!({"a": long(last), "u": format!("https://x.example/{}", long(last))}).to_string()
    };
    let settings = "{format: template, text: item.a, title: item.a, host: item.a, incident: item.a, key: item.a, url: item.u, attributes: {a: item.a}}";
    let (one, two) = (
        read_all(settings, &body("1")),
        read_all(settings, &body("2")),
    );
    check("s", &one);
    let (first, second) = (&one.events[0], &two.events[0]);
    assert_ne!(first.incident, second.incident);
    assert_ne!(first.key, second.key);
    assert_eq!(first.url, None);
    let fields: Vec<_> = one
        .errors
        .iter()
        .map(|error| error.field_name().unwrap())
        .collect();
    assert_eq!(fields, ["url", "title", "host", "attributes"]);
}

#[test]
fn attributes_beyond_the_engines_limit_are_left_out_and_told() {
    let labels: serde_json::Map<String, Json> = (0..200)
        .map(|number| (format!("l{number:03}"), json!("v")))
        .collect();
    let body = json!({"alerts": [{"labels": labels, "generatorURL": "https://x.example"}]});
    let reading = read_all("{format: alertmanager}", &body.to_string());
    assert_eq!(reading.events[0].attributes.len(), MAX_ATTRIBUTES - 1);
    assert_eq!(reading.errors[0].reason(), Reason::TooMany);
}

#[test]
fn no_sender_ends_what_another_reported() {
    let settings =
        "{format: template, text: item.a, incident: item.i, key: item.i, kind: '\"recovery\"'}";
    let body = r#"{"a": "x", "i": "alerts/3f2e"}"#;
    let event = read_all(settings, body).events.remove(0);
    assert_eq!(event.kind, Kind::Recovery);
    assert_eq!(event.incident.as_deref(), Some("s/alerts/3f2e"));
    assert_eq!(event.key.as_deref(), Some("s/alerts/3f2e"));
}

#[test]
fn work_that_a_payload_makes_is_bounded() {
    // Each item has the whole payload in an attribute, which is large.
    let body = json!(vec!["x".repeat(900); MAX_ITEMS]).to_string();
    let reading = read_all(
        "{format: template, each: payload, text: item, attributes: {a: payload}}",
        &body,
    );
    assert_eq!(reading.events.len(), MAX_ITEMS);
}
