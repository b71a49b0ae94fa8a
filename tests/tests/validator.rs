//! `hbd plugins validate` finds what it looks for: a plugin that breaks one rule
//! fails the check of that rule and no other.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "validator/bodies.rs"]
mod bodies;
#[path = "validator/elf.rs"]
mod elf;

use std::{
    fs,
    path::{Path, PathBuf},
};

use annunciator_testkit::{
    artefacts::{plugin, write_program},
    ensemble::Ensemble,
    rig::Rig,
};
use annunciator_tests::altered::altered_copy;
use serde_json::Value as Json;

const MODE: &str = "faulty-mode:none................";

/// What an examination says.
fn examined(rig: &Rig, path: &Path, more: &[&str]) -> Json {
    let hbd = annunciator_testkit::artefacts::executable("hbd").unwrap();
    let path = path.display().to_string();
    let arguments = [
        &["plugins", "validate", &path, "--json", "--seed", "7"],
        more,
    ]
    .concat();
    let mut command = std::process::Command::new(hbd);
    let output = command
        .env_clear()
        .current_dir(rig.folder())
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"))
}

/// The names of the checks that failed, and why.
fn failed(report: &Json) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|check| check["outcome"] == "failed");
    failed
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            (text("check"), text("why"))
        })
        .collect()
}

/// Alters a copy, and expects one check to fail.
fn fails(make: impl FnOnce(&Path, &Path), check: &str, level: &str) {
    let rig = Rig::new(&[]).unwrap();
    let copy = rig.plugins().join("libfaulty.so");
    make(&plugin("fixture-faulty").unwrap(), &copy);
    let report = examined(&rig, &copy, &["--level", level]);
    let failed = failed(&report);
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [check], "{failed:?}");
    assert!(failed.iter().all(|(_, why)| !why.is_empty()));
}

/// The plugin that breaks a rule by itself.
fn breaks(rule: &str, level: &str) {
    let mode = format!("{:.<32}", format!("faulty-mode:{rule}"));
    let make = |from: &Path, to: &Path| drop(altered_copy(from, to, &[(MODE, &mode)]).unwrap());
    fails(make, rule, level);
}

fn texts(old: &str, new: &str, check: &str, level: &str) {
    fails(
        |from, to| drop(altered_copy(from, to, &[(old, new)]).unwrap()),
        check,
        level,
    );
}

#[test]
fn one_that_keeps_every_rule() {
    let rig = Rig::new(&[]).unwrap();
    let path: PathBuf = plugin("fixture-faulty").unwrap();
    let report = examined(&rig, &path, &["--level", "thorough"]);
    assert_eq!(failed(&report), [], "{report:#}");
    assert_eq!(report["passed"], true);
    let skipped = report["checks"].as_array().unwrap().iter();
    assert_eq!(
        skipped.filter(|check| check["outcome"] != "passed").count(),
        0
    );
}

/// Ours reach stand-ins of their services, where they do so by themselves.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: cargo test -- --include-ignored"]
async fn those_that_are_shipped() {
    let services = Ensemble::start().await.unwrap();
    let packages = [
        "email",
        "exec",
        "mattermost",
        "pushover",
        "signal",
        "webhook",
    ];
    let packages = packages.map(|name| format!("annunciator-{name}"));
    let rig = Rig::new(&packages.each_ref().map(String::as_str)).unwrap();
    let program = rig.folder().join("tell");
    write_program(&program, "#!/bin/sh\nexec cat >/dev/null\n").unwrap();
    let exec = format!("  tell: {{type: exec, program: {}}}\n", program.display());
    let _builder = rig.exactly(&(services.channels() + &exec)).unwrap();
    let config = rig.file().display().to_string();
    let more = ["--level", "thorough", "--config", &config, "--live"];
    for package in &packages {
        let path = plugin(package).unwrap();
        let file = rig.plugins().join(path.file_name().unwrap());
        let report = tokio::task::block_in_place(|| examined(&rig, &file, &more));
        assert_eq!(failed(&report), [], "{package}");
        let by_itself = ["email", "exec", "signal"]
            .iter()
            .any(|name| package.ends_with(name));
        let checks = report["checks"].as_array().unwrap().iter();
        for check in checks.filter(|check| check["outcome"] == "skipped") {
            // Nothing is left out but what is about requests to the host.
            let why = check["why"].as_str().unwrap();
            assert!(
                by_itself && why.contains("it makes no HTTP request by its host"),
                "{package}: {check}"
            );
        }
    }
}

macro_rules! broken {
    ($($test:ident $rule:literal $level:literal;)+) => {
        $(#[test]
        fn $test() {
            breaks($rule, $level);
        })+
    };
}

broken! {
    one_that_starts_a_thread_when_it_is_loaded "loads-quietly" "must";
    one_whose_copies_meet "loads-twice" "must";
    one_with_a_field_without_description "schema" "compatible";
    one_with_a_secret_that_is_not_marked "secrets-marked" "compatible";
    one_that_does_not_open "opens" "compatible";
    one_that_takes_unknown_fields "unknown-field" "compatible";
    one_that_does_not_say_which_type_is_wrong "wrong-type" "compatible";
    one_that_makes_up_what_is_missing "missing-field" "compatible";
    one_that_takes_nothing_for_settings "no-settings" "compatible";
    one_that_panics_over_long_settings "random-settings" "compatible";
    one_that_logs_its_token "secrets-kept" "compatible";
    one_that_asks_for_something_when_it_opens "opens-silently" "thorough";
    one_that_delivers_twice "one-request" "thorough";
    one_that_tries_what_is_not_found_again "statuses" "thorough";
    one_that_forgets_to_wait "waits" "thorough";
    one_that_repeats_what_may_have_been_sent "faults" "thorough";
    one_that_takes_errors_of_its_host_for_success "host-errors" "thorough";
    one_that_tries_again_by_itself "tries-once" "thorough";
    one_that_asks_without_a_limit "time-limits" "thorough";
    one_that_refuses_a_text_without_a_reason "texts" "thorough";
    one_that_mixes_deliveries_up "crosstalk" "thorough";
    one_that_minds_its_thread "any-thread" "thorough";
    one_that_is_stuck_when_it_is_dropped "dropped" "thorough";
    one_that_leaves_threads_behind "closes" "thorough";
    one_that_leaks "memory" "thorough";
    one_that_knows_that_it_is_in_a_worker "in-a-worker" "thorough";
    one_that_does_not_answer_a_third_attempt "random" "thorough";
}

#[test]
fn one_whose_note_is_damaged() {
    texts("{\"abi_major\":", "{\"abi_major\"!", "note", "thorough");
}

#[test]
fn one_that_aborts_when_it_panics() {
    texts(
        "\"panic\":\"unwind\"",
        "\"panic\":\"aborts\"",
        "unwinds",
        "thorough",
    );
}

#[test]
fn one_whose_note_names_another_type() {
    texts(
        "\"channel_types\":[\"faulty\"]",
        "\"channel_types\":[\"smooth\"]",
        "loads",
        "thorough",
    );
}

#[test]
fn one_whose_example_is_not_of_its_schema() {
    texts("\nurl: https", "\nurx: https", "example", "compatible");
}

#[test]
fn one_that_exports_more() {
    fails(elf::exports_more, "exports", "must");
}

#[test]
fn one_that_needs_an_unusual_library() {
    fails(elf::needs_another_library, "libraries", "must");
}

#[test]
fn one_with_a_search_path() {
    fails(elf::with_search_path, "search-path", "must");
}

#[test]
fn one_whose_code_is_relocated() {
    fails(elf::with_text_relocations, "relocations", "must");
}

#[test]
fn one_that_says_that_it_takes_static_storage() {
    fails(elf::with_static_tls, "static-tls", "must");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn one_with_an_allocator_that_takes_static_storage() {
    let rig = Rig::new(&[]).unwrap();
    let path = plugin("fixture-own-allocator").unwrap();
    let failed = failed(&examined(&rig, &path, &["--level", "thorough"]));
    // That it allocates by itself harms nobody: what crosses is freed by whoever made it.
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["static-tls"], "{failed:?}");
}

#[test]
fn one_with_an_executable_stack() {
    fails(elf::with_executable_stack, "stack", "must");
}

#[test]
fn a_file_that_is_no_plugin() {
    let rig = Rig::new(&[]).unwrap();
    let path = rig.folder().join("text.so");
    fs::write(&path, "no plugin").unwrap();
    let library = plugin("fixture-failing-disk").unwrap();
    for (path, why) in [
        (path.display().to_string(), "it is not an ELF file"),
        (library.display().to_string(), "it carries no note"),
    ] {
        let report = examined(&rig, Path::new(&path), &["--level", "thorough"]);
        let failed = failed(&report);
        let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["note"], "{failed:?}");
        // What is wrong is said once, and what that is needed for in one line.
        let (status, out, _) = validate(&rig, &path, &[]);
        assert_eq!((status, out.matches(why).count()), (1, 1), "{out}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 3, "{out}");
        assert!(lines[0].starts_with("FAILED  note: "), "{out}");
        assert!(
            lines[1].starts_with("skipped exports, libraries, "),
            "{out}"
        );
        assert!(lines[1].ends_with(", secrets-kept: needs note"), "{out}");
        assert!(lines[2].contains("0 passed, 1 failed, 20 skipped"), "{out}");
    }
}

/// A copy that breaks a rule, in the rig's plugin folder.
fn faulty(rig: &Rig, rule: &str) -> String {
    let mode = format!("{:.<32}", format!("faulty-mode:{rule}"));
    let copy = rig.plugins().join("libfaulty.so");
    altered_copy(&plugin("fixture-faulty").unwrap(), &copy, &[(MODE, &mode)]).unwrap();
    copy.display().to_string()
}

fn validate(rig: &Rig, path: &str, more: &[&str]) -> (i32, String, String) {
    let hbd = annunciator_testkit::artefacts::executable("hbd").unwrap();
    let output = std::process::Command::new(hbd)
        .env_clear()
        .current_dir(rig.folder())
        .args([&["plugins", "validate", path], more].concat())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    (status, text(output.stdout), text(output.stderr))
}

#[test]
fn a_check_that_fails_is_reported_with_its_sentence_and_in_the_file_for_ci() {
    let rig = Rig::new(&[]).unwrap();
    let path = faulty(&rig, "schema");
    let (status, out, _) = validate(&rig, &path, &["--junit", "junit.xml", "--seed", "11"]);
    assert_eq!(status, 1);
    let line = "FAILED  schema: Its schema describes an object, and every field in it. \
                But type faulty: the field url has no description.";
    assert!(out.contains(line), "{out}");
    assert!(
        out.contains("20 passed, 1 failed, 0 skipped, 0 waived (seed 11)"),
        "{out}"
    );
    let xml = fs::read_to_string(rig.folder().join("junit.xml")).unwrap();
    for part in [
        "tests=\"21\"",
        "failures=\"1\"",
        "<testcase name=\"note\" classname=\"must\"",
        "<failure message=\"type faulty: the field url has no description\"",
    ] {
        assert!(xml.contains(part), "no {part} in {xml}");
    }
}

#[test]
fn a_waiver_has_a_reason_and_then_it_counts() {
    let rig = Rig::new(&[]).unwrap();
    let path = faulty(&rig, "schema");
    let with = |waivers: &str| {
        fs::write(rig.folder().join("waivers.json"), waivers).unwrap();
        validate(&rig, &path, &["--waivers", "waivers.json"])
    };
    let (status, out, _) =
        with(r#"{"waivers": [{"check": "schema", "reason": "the name says it"}]}"#);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("waived  schema: the name says it"), "{out}");
    for (waivers, says) in [
        (
            r#"{"waivers": [{"check": "schema", "reason": " "}]}"#,
            "the waiver of schema in waivers.json gives no reason",
        ),
        (
            r#"{"waivers": [{"check": "schema"}]}"#,
            "missing field `reason`",
        ),
        (
            r#"{"waivers": [{"check": "scheme", "reason": "x"}]}"#,
            "name a check scheme, which does not exist",
        ),
        ("{", "are malformed"),
    ] {
        let (status, _, error) = with(waivers);
        assert_eq!(status, 2, "{error}");
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_call_that_makes_no_sense() {
    let rig = Rig::new(&[]).unwrap();
    let (status, _, error) = validate(&rig, "nowhere.so", &[]);
    assert_eq!(status, 2);
    assert!(error.contains("nowhere.so cannot be read"), "{error}");
    let path = faulty(&rig, "none");
    let (status, _, error) = validate(&rig, &path, &["--live"]);
    assert_eq!(status, 2);
    assert!(error.contains("--config"), "{error}");
    let (status, _, _) = validate(&rig, &path, &["--waivers", "nowhere.json"]);
    assert_eq!(status, 2);
}
