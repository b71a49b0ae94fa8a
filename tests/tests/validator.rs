//! `hbd plugins validate` finds what it looks for: a plugin that breaks one rule
//! fails the check of that rule and no other.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "validator/elf.rs"]
mod elf;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use annunciator_testkit::{artefacts::plugin, ensemble::Ensemble, rig::Rig};
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
    fs::write(&program, "#!/bin/sh\nexec cat >/dev/null\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
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
                by_itself && why.contains("it asks its host for no HTTP"),
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
fn one_with_an_executable_stack() {
    fails(elf::with_executable_stack, "stack", "must");
}

#[test]
fn a_file_that_is_no_plugin() {
    let rig = Rig::new(&[]).unwrap();
    let path = rig.folder().join("text.so");
    fs::write(&path, "no plugin").unwrap();
    let report = examined(&rig, &path, &["--level", "thorough"]);
    let failed = failed(&report);
    assert!(failed.iter().any(|(name, _)| name == "note"), "{failed:?}");
    assert!(
        failed.iter().all(|(_, why)| why.contains("no ELF file")),
        "{failed:?}"
    );
}
