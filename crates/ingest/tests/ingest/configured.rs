//! The section `ingest` of a file, and what is said of one that is wrong.

use crate::{check, file, sources};

/// Returns the problems of a section.
fn problems(section: &str) -> String {
    match check(&file(section)) {
        Ok((_, problems)) => problems.to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn sources_are_found_by_their_names() {
    let sources = sources("b: {format: grafana}\na: {format: prometheus}");
    let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(sources.get("c").is_none());
}

#[test]
fn a_faulty_expression_is_reported_where_it_stands() {
    let found = problems("ci:\n  format: template\n  text: item.a\n  host: item.b == ]");
    assert!(found.contains(":5:11"), "{found}");
    assert!(found.contains("(column 11)"), "{found}");
    let found = problems("ci: {format: template, text: item.a, attributes: {a: event.b}}");
    assert!(
        found.contains("attributes.a") && found.contains("there is no `event` here"),
        "{found}"
    );
    // A word that is meant as a text.
    let found = problems("ci: {format: template, text: item.a, severity: critical}");
    assert!(found.contains("there is no `critical` here"), "{found}");
    assert!(found.contains("write a text in quotes"), "{found}");
}

#[test]
fn what_a_schema_cannot_find_is_found() {
    for (section, expected) in [
        ("a/b: {format: grafana}", "cannot be a part of an address"),
        (
            "a: {format: grafana, each: payload}",
            "only the format `template`",
        ),
        (
            "a: {format: template, host: item.a}",
            "no event would have a text",
        ),
        ("a: {format: grafana, expect: []}", "there is no example"),
        (
            "a: {format: grafana, channels: []}",
            "nobody would be notified",
        ),
        (
            "a: {format: grafana, channels: [x]}",
            "there is no channel `x`",
        ),
        (
            "a: {format: grafana, attributes: {url: item.a}}",
            "a key of its own",
        ),
        ("a: {format: grafana, title: ''}", "there is no expression"),
        (
            "a: {format: grafana, remind_every: often}",
            "is not a duration",
        ),
        (
            "a: {format: grafana, remind_every: 1s}",
            "too short or too long",
        ),
        ("a: {format: apprise, remind_every: 1h}", "has no reminders"),
        ("a: {format: nagios}", "not one of the possible values"),
        ("a: {format: grafana, hots: item.a}", "did you mean `host`"),
        ("a: {}", "format"),
    ] {
        let found = problems(section);
        assert!(found.contains(expected), "{section}: {found}");
    }
}

const EXAMPLE: &str = r#"ci:
  format: template
  each: payload.builds
  incident: item.job
  title: item.name
  severity: item.severity
  example:
    builds:
      - {job: build, name: Build 7}
  expect:
    - {incident: ci/build, title: Build 7, kind: problem, severity: info, host: null}"#;

#[test]
fn an_example_that_gives_what_is_expected_is_sound() {
    sources(EXAMPLE);
}

#[test]
fn an_example_that_gives_something_else_is_reported_at_the_field() {
    for (from, to, expected) in [
        (
            "title: item.name",
            "title: item.job",
            "expect[0].title: the example gives `build`",
        ),
        (
            "job: build,",
            "job: test,",
            "expect[0].incident: the example gives `ci/test`",
        ),
        (
            "kind: problem",
            "kind: message",
            "expect[0].kind: the example gives `problem`",
        ),
        (
            "host: null",
            "host: web",
            "expect[0].host: the example gives nothing",
        ),
        (
            "host: null",
            "attributes: {a: b}",
            "expect[0].attributes.a: the example gives nothing",
        ),
        (
            "host: null",
            "occurred_at: 2026-11-23T02:31:00Z",
            "expect[0].occurred_at: the example gives nothing",
        ),
        ("payload.builds", "payload.build", "each: gives no item"),
        (
            "severity: item.severity",
            "severity: item.name",
            "severity: gives `Build 7`",
        ),
        (
            "{job: build, name: Build 7}",
            "{job: build, name: 7}\n      - {job: b, name: c}",
            "expected 1 event, and the example gives 2 events",
        ),
    ] {
        let found = problems(&EXAMPLE.replace(from, to));
        assert!(found.contains(expected), "{to}: {found}");
    }
}

#[test]
fn examples_of_shipped_formats_are_run_too() {
    let section = |fingerprint: &str| {
        format!(
            "am:\n  format: alertmanager\n  host: item.labels.pod\n  example:\n    status: firing\n    alerts:\n      - labels: {{alertname: a, pod: p}}\n        fingerprint: '{fingerprint}'\n  expect:\n    - {{host: p, incident: am/1}}\n"
        )
    };
    sources(&section("1"));
    assert!(problems(&section("2")).contains("`am/2`"));
    let events = "ce:\n  format: cloudevents\n  example:\n    - {specversion: '1.0', id: '1', source: s, type: t}\n  expect:\n    - {title: t}\n";
    sources(events);
}

#[test]
fn every_section_in_the_guide_is_sound() {
    let guide = include_str!("../../../../docs/ingest.md");
    let blocks = guide.split("```yaml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let mut count = 0;
    for block in blocks.filter(|block| block.contains("ingest:\n")) {
        // The plugin of this test stands for the real one.
        let lines = block
            .lines()
            .map(|line| match line.split_once("{type: email") {
                Some((name, _)) => format!("{name}{{type: steady, text: x}}\n"),
                None => format!("{line}\n"),
            });
        if let Err(problems) = check(&lines.collect::<String>()) {
            panic!("{block}\n{problems}");
        }
        count += 1;
    }
    assert!(count >= 9, "{count} sections were found");
}
