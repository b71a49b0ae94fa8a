//! `route_tests` in the configuration, as `hbd check` runs them.

use std::{fs, path::Path};

use annunciator::{Engine, Level};
use annunciator_monitor::declare;
use annunciator_testkit::rig::Rig;

use super::desk::{Desk, YAML};

/// The line of the first test, and of what `hbd check` says of it.
const LINE: usize = 16;

const NIGHT: &str = "severity: warning, at: \"2026-11-23 23:30\"";

/// Exit status, and what is said on standard error without its snippets.
fn checked(tests: &str) -> (i32, Vec<String>) {
    let (status, _, err) = Desk::with_tests(tests).run(&["check"]);
    let said = |line: &&str| {
        let line = line.trim_start();
        let starts = ["error:", "warning:", "-->", "= help:"];
        starts.iter().any(|start| line.starts_with(start))
    };
    let shown = |line: &str| line.trim().trim_start_matches("= ").to_owned();
    let lines = err.lines().filter(said).map(shown);
    (status, lines.collect())
}

fn wrong(tests: &str, expected: &[&str]) {
    wrong_by(1, tests, expected);
}

fn wrong_by(expected_status: i32, tests: &str, expected: &[&str]) {
    let (status, said) = checked(tests);
    assert_eq!(status, expected_status, "{said:?}");
    assert_eq!(said, expected, "{tests}");
}

#[test]
fn what_holds_is_no_word_worth() {
    let (status, said) = checked(&format!(
        "  - {{host: web-01, notified: [deaf, chat], later: [mail, pager], suppressed: []}}
  - {{host: web-01, {NIGHT}, notified: [pager], later: [mail], suppressed: [chat, deaf]}}
  - {{host: web-01, {NIGHT}, notified: [pager]}}
  - host: db-01
    at: 23:30
    severity: info
    notified: [pager]
"
    ));
    assert_eq!((status, said.as_slice()), (0, &[] as &[String]));
}

#[test]
fn what_does_not_says_what_would_happen_instead() {
    wrong(
        &format!("  - {{host: web-01, {NIGHT}, notified: [pager, chat, mail]}}\n"),
        &[
            "error: route_tests[0].notified: expected chat, mail, pager; would be notified: pager; chat is suppressed: quiet_hours: 22:00 to 07:00, Europe/Berlin; mail follows after 5m, as step 3 of group oncall",
            &format!("--> heartbeat.yaml:{LINE}:73"),
            "help: `hbd route web-01 --severity warning --at 2026-11-23T23:30:00Z` shows all of it",
        ],
    );
    wrong(
        "  - host: db-01
    notified: []
    later: [mail]
    suppressed: [pager]
",
        &[
            "error: route_tests[0].notified: expected nobody; would be notified: chat, pager",
            &format!("--> heartbeat.yaml:{}:15", LINE + 1),
            "help: `hbd route db-01 --severity critical --at 2026-11-23T12:00:00Z` shows all of it",
            "error: route_tests[0].later: expected mail; would follow: nothing; mail is not among db-01's channels",
            &format!("--> heartbeat.yaml:{}:12", LINE + 2),
            "help: `hbd route db-01 --severity critical --at 2026-11-23T12:00:00Z` shows all of it",
            "error: route_tests[0].suppressed: expected pager; would be suppressed: nothing; pager would be notified at once",
            &format!("--> heartbeat.yaml:{}:17", LINE + 3),
            "help: `hbd route db-01 --severity critical --at 2026-11-23T12:00:00Z` shows all of it",
        ],
    );
}

#[test]
fn names_that_there_are_not() {
    wrong(
        "  - {host: web-01, notified: [pagr], later: [oncall], suppressed: [teletype]}\n",
        &[
            "error: route_tests[0].notified[0]: there is no channel `pagr`",
            &format!("--> heartbeat.yaml:{LINE}:31"),
            "help: did you mean `pager`?",
            "error: route_tests[0].later[0]: `oncall` is a group: name the channels that are notified",
            &format!("--> heartbeat.yaml:{LINE}:46"),
            "help: its steps are: deaf, pager, mail",
            "error: route_tests[0].suppressed[0]: there is no channel `teletype`",
            &format!("--> heartbeat.yaml:{LINE}:68"),
        ],
    );
}

#[test]
fn a_host_that_is_not_there_is_a_warning_and_gets_the_defaults() {
    let (status, said) = checked("  - {host: web-02, notified: [mail]}\n");
    assert_eq!(status, 0);
    assert_eq!(
        said,
        [
            "warning: route_tests[0].host: there is no `web-02` in hosts".to_owned(),
            format!("--> heartbeat.yaml:{LINE}:12"),
            "help: did you mean `web-01`?".to_owned(),
        ]
    );
}

#[test]
fn what_is_malformed() {
    wrong(
        "  - {host: web-01, notified: [chat], at: tonight}\n",
        &[
            "error: route_tests[0].at: `tonight` is not a time",
            &format!("--> heartbeat.yaml:{LINE}:42"),
            "help: write when, such as \"2026-11-23 23:30\" (UTC), or a time such as \"23:30\" on that Monday",
        ],
    );
    wrong_by(
        2,
        "  - {host: web-01, notified: [chat], latr: [mail], severity: awful}\n",
        &[
            "error: route_tests[0].latr: unknown field",
            &format!("--> heartbeat.yaml:{LINE}:38"),
            "help: did you mean `later`?",
            "error: route_tests[0].severity: `awful` is not one of the possible values",
            &format!("--> heartbeat.yaml:{LINE}:62"),
            "help: the possible values are: critical, info, warning",
        ],
    );
    let (status, said) = checked("  - {notified: [chat]}\n");
    assert_eq!(status, 2);
    assert!(
        said[0].starts_with("error: route_tests[0].host: "),
        "{said:?}"
    );
    let (status, said) = checked("  web-01: [chat]\n");
    assert_eq!(status, 2);
    assert!(
        said[0].starts_with("error: route_tests: expected a list"),
        "{said:?}"
    );
}

#[test]
fn somebody_who_must_be_notified_is_not_kept_from_it_by_a_test() {
    let desk =
        Desk::with_tests("  - {host: web-01, notified: [pagr]}\n  - {host: db-01, notified: []}\n");
    let builder = Engine::builder(desk.rig.file()).plugin_dir(desk.rig.plugins());
    let loaded = declare(builder).load().unwrap();
    assert_eq!(loaded.warnings.count(Level::Warning), 2);
    let (status, _, err) = desk.run(&["route", "web-01"]);
    assert_eq!((status, err.as_str()), (0, ""));
}

#[test]
fn a_file_with_other_errors_is_not_what_is_tested() {
    let yaml = YAML.replace("step_after: 5m", "step_after: soon");
    let desk = Desk::new(&format!(
        "{yaml}route_tests: [{{host: web-01, notified: []}}]\n"
    ));
    let (status, _, err) = desk.run(&["check"]);
    assert_eq!(status, 2);
    assert!(
        err.contains("step_after") && !err.contains("route_tests"),
        "{err}"
    );
}

#[test]
fn the_example_passes_its_own() {
    let plugins = ["email", "mattermost", "pushover"].map(|name| format!("annunciator-{name}"));
    let rig = Rig::new(&plugins.each_ref().map(String::as_str)).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/delivery.yaml");
    let yaml = fs::read_to_string(file).unwrap();
    assert!(yaml.contains("\nroute_tests:\n"));
    // The folder is another machine's.
    let here = rig.folder().display().to_string();
    let yaml = yaml.replace("/var/lib/heartbeat", &here);
    drop(rig.exactly(&yaml).unwrap());
    let desk = Desk { rig };
    let (status, out, err) = desk.run(&["check"]);
    assert_eq!(status, 0, "{err}");
    // Of three tokens the plugins know that they are none.
    let verdict = "the configuration can be used, with 3 warnings: 3 channels, 1 host\n";
    assert_eq!(out, verdict, "{err}");
    let wrong = yaml.replace("notified: [pushover_urgent]", "notified: [email_ops]");
    assert_ne!(wrong, yaml);
    drop(desk.rig.exactly(&wrong).unwrap());
    let (status, _, err) = desk.run(&["check"]);
    assert_eq!(status, 1);
    assert!(err.contains("route_tests[0].notified"), "{err}");
}

#[test]
fn an_editor_knows_them() {
    let schema = Desk::new(YAML).json(&["schema"]);
    let tests = &schema["properties"]["route_tests"];
    assert_eq!(tests["type"], "array", "{tests}");
    assert!(schema.to_string().contains("suppressed"));
}
