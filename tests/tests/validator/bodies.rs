//! Plugins whose requests cannot be read at a glance, services that answer each
//! request otherwise, and plugins that say that a second message does no harm.

use std::{fs, path::Path};

use annunciator_testkit::{artefacts::plugin, rig::Rig};
use annunciator_tests::altered::altered_copy;
use serde_json::Value as Json;

use super::{MODE, examined, failed};

const IDEMPOTENT: (&str, &str) = (
    "\"idempotent\":{\"faulty\":false}",
    "\"idempotent\":{\"faulty\":true }",
);

/// What is said of a copy in this mode, with these changes and options.
fn said(mode: &str, changes: &[(&str, &str)], waivers: Option<&str>) -> Json {
    let rig = Rig::new(&[]).unwrap();
    let copy = rig.plugins().join("libfaulty.so");
    let mode = format!("{:.<32}", format!("faulty-mode:{mode}"));
    let changes = [&[(MODE, &*mode)], changes].concat();
    let path: &Path = &plugin("fixture-faulty").unwrap();
    altered_copy(path, &copy, &changes).unwrap();
    let mut more = vec!["--level", "thorough"];
    if let Some(waivers) = waivers {
        fs::write(rig.folder().join("waivers.json"), waivers).unwrap();
        more.extend(["--waivers", "waivers.json"]);
    }
    examined(&rig, &copy, &more)
}

fn names(report: &Json) -> Vec<String> {
    failed(report).into_iter().map(|(name, _)| name).collect()
}

fn check<'a>(report: &'a Json, name: &str) -> &'a Json {
    let mut checks = report["checks"].as_array().unwrap().iter();
    checks.find(|check| check["check"] == name).unwrap()
}

#[test]
fn one_that_writes_forms() {
    let report = said("body-form", &[], None);
    assert_eq!(failed(&report), []);
    assert_eq!(check(&report, "crosstalk")["outcome"], "passed");
}

#[test]
fn one_that_encrypts_is_not_said_to_be_looked_at() {
    let report = said("body-sealed", &[], None);
    assert_eq!(failed(&report), []);
    let crosstalk = check(&report, "crosstalk");
    assert_eq!(crosstalk["outcome"], "skipped");
    let why = crosstalk["why"].as_str().unwrap();
    assert!(why.contains("was not checked"), "{why}");
}

#[test]
fn one_that_encrypts_and_mixes_outcomes_up() {
    let report = said("sealed-mixed", &[], None);
    assert_eq!(names(&report), ["crosstalk"]);
}

#[test]
fn one_whose_requests_say_nothing() {
    let report = said("body-constant", &[], None);
    assert_eq!(names(&report), ["crosstalk"]);
}

#[test]
fn one_that_repeats_what_may_have_been_sent_and_says_that_this_does_no_harm() {
    assert_eq!(failed(&said("faults", &[IDEMPOTENT], None)), []);
    // It need not.
    assert_eq!(failed(&said("none", &[IDEMPOTENT], None)), []);
}

#[test]
fn a_service_that_wants_a_session_first() {
    let waivers = |answers: &str| {
        let waived = ["one-request", "tries-once"].map(|check| {
            format!(r#"{{"check": "{check}", "reason": "the service wants a session first"}}"#)
        });
        format!(r#"{{"waivers": [{}], {answers}}}"#, waived.join(", "))
    };
    let both = r#""answers": [
        {"method": "post", "path": "/session", "answer": {"status": 201}},
        {"path": "/*", "answer": {"status": 202}}
    ]"#;
    let report = said("body-session", &[], Some(&waivers(both)));
    assert_eq!(failed(&report), []);
    // One answer for all is not enough, and what fits nothing is not found.
    let one = r#""answer": {"status": 202}"#;
    let report = said("body-session", &[], Some(&waivers(one)));
    let why = check(&report, "statuses")["why"].as_str().unwrap();
    assert!(why.contains("or several as `answers`"), "{why}");
    let half = r#""answers": [{"path": "/session", "answer": {"status": 201}}]"#;
    let report = said("body-session", &[], Some(&waivers(half)));
    let why = check(&report, "statuses")["why"].as_str().unwrap();
    assert!(why.contains("404"), "{why}");
}
