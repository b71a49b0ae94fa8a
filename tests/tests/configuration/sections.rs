//! Sections of the file and keys of hosts that the embedding program declares:
//! what it gets, and what the file's author is told.

use std::{
    fmt::Write as _,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use annunciator::{EngineBuilder, LoadError, Loaded, Section, SectionProblem, document_schema};
use annunciator_testkit::rig::Rig;
use annunciator_tests::said::rig;
use serde_json::{Value as Json, json};

const CANARY: &str = "canary-4711";
const HEAD: &str =
    "notification_channels: {a: {type: steady}}\ndefault_notification_channels: [a]\n";

fn lamp() -> Json {
    let key = json!({ "type": "string", "writeOnly": true });
    json!({
        "type": "object",
        "properties": {
            "colour": { "enum": ["red", "green"] },
            "number": { "type": "string" },
            "watts": { "type": "integer", "minimum": 1, "maximum": 100 },
            "key": key,
            "keys": { "type": "object", "additionalProperties": { "$ref": "#/$defs/Key" } },
            "pin": { "type": "integer", "maximum": 9999, "writeOnly": true },
            "plugs": { "type": "array", "items": { "type": "string" } },
        },
        "additionalProperties": false,
        "$defs": { "Key": key },
    })
}

fn lamps() -> Section {
    let schema = json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/Lamp" },
        "$defs": { "Lamp": lamp(), "Key": lamp()["$defs"]["Key"] } });
    let bright = |lamps: &Json| {
        let mut problems = Vec::new();
        for (name, lamp) in lamps.as_object().unwrap() {
            if lamp["watts"] == 99 {
                let problem = SectionProblem::error([name, "watts"], "this blinds people");
                problems.push(problem.help("take 60"));
            }
            if lamp["plugs"][1] == "odd" {
                let path = [name, "plugs", "1"];
                problems.push(SectionProblem::warning(path, "this looks\nodd"));
            }
            if lamp["colour"] == "red" {
                problems.push(SectionProblem::warning([name], "red is for alarms"));
            }
            if lamp["number"] == "13" {
                problems.push(SectionProblem::warning(
                    [name, "wire", "2"],
                    "there is no wire",
                ));
            }
        }
        problems
    };
    Section::new("lamps", schema).check(bright).names("lamp")
}

/// Hosts have a lamp, a slot and a key.
fn host_schema() -> Json {
    json!({ "type": "object", "properties": {
        "lamp": { "type": "string" },
        "slot": { "type": "integer" },
        "key": { "type": "string", "writeOnly": true },
    } })
}

fn no_slot_13(host: &Json) -> Vec<SectionProblem> {
    let unlucky = host["slot"] == 13;
    let problem = || SectionProblem::error(["slot"], "there is no slot 13");
    unlucky.then(problem).into_iter().collect()
}

fn declared(rig: &Rig, below: &str) -> EngineBuilder {
    rig.exactly(&format!("{HEAD}{below}"))
        .unwrap()
        .section(lamps())
        .host_keys(host_schema(), no_slot_13)
}

fn load(below: &str) -> Result<Loaded, LoadError> {
    declared(&rig(), below).load()
}

fn said(below: &str) -> Vec<String> {
    let rig = rig();
    let said = match declared(&rig, below).load() {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(error) => error.to_string(),
    };
    let said = said.replace(&rig.file().display().to_string(), "heartbeat.yaml");
    said.lines().map(str::to_owned).collect()
}

fn check(below: &str, expected: &[&str]) {
    assert_eq!(said(below), expected, "{below}");
}

#[test]
fn a_section_is_read_by_its_schema() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "from a file\n").unwrap();
    let path = file.path().display();
    let loaded = load(&format!(
        "lamps:\n  hall: {{number: 0123, watts: 0x10, key: {{file: {path}}}}}\n"
    ))
    .unwrap();
    assert_eq!(loaded.warnings.to_string(), "");
    assert_eq!(
        loaded.config.section("lamps"),
        Some(&json!({ "hall": { "number": "0123", "watts": 16, "key": "from a file" } }))
    );
}

#[test]
fn a_section_that_is_absent_or_holds_nothing_is_none() {
    for below in ["", "lamps:\n", "lamps: ~\n"] {
        let loaded = load(&format!("{below}hosts: {{web: {{lamp: hall}}}}\n")).unwrap();
        assert_eq!(loaded.warnings.to_string(), "", "{below}");
        assert_eq!(loaded.config.section("lamps"), None);
    }
    assert_eq!(
        load("lamps: {}\n").unwrap().config.section("lamps"),
        Some(&json!({}))
    );
}

#[test]
fn what_does_not_fit_the_schema_is_reported_as_in_channels() {
    check(
        "lamps:\n  hall:\n    color: red\n    colour: gren\n    watts: 200\n  attic: bright\n",
        &[
            "heartbeat.yaml:5:5: error: lamps.hall.color: unknown field (help: did you mean `colour`?)",
            "heartbeat.yaml:6:13: error: lamps.hall.colour: `gren` is not one of the possible values (help: did you mean `green`?)",
            "heartbeat.yaml:7:12: error: lamps.hall.watts: 200 is out of range: it must be between 1 and 100",
            "heartbeat.yaml:8:10: error: lamps.attic: expected a mapping, found another kind of value",
        ],
    );
    check(
        "lamps: [a]\n",
        &["heartbeat.yaml:3:8: error: lamps: expected a mapping, found a list"],
    );
}

#[test]
fn what_the_check_says_stands_where_it_means() {
    check(
        "lamps:\n  hall:\n    watts: 99\n  attic:\n    plugs: [even, odd]\n  cellar:\n    colour: red\n  shed: {number: 13}\n",
        &[
            "heartbeat.yaml:5:12: error: lamps.hall.watts: this blinds people (help: take 60)",
            "heartbeat.yaml:7:19: warning: lamps.attic.plugs[1]: this looks odd",
            "heartbeat.yaml:8:3: warning: lamps.cellar: red is for alarms",
            "heartbeat.yaml:10:3: warning: lamps.shed.wire.2: there is no wire",
        ],
    );
}

#[test]
fn a_check_sees_nothing_that_does_not_fit() {
    let yaml = format!("{HEAD}lamps: {{hall: {{watts: many}}}}\n");
    let rig = rig();
    let builder = rig.exactly(&yaml).unwrap();
    let section = Section::new("lamps", lamps_schema()).check(|_| panic!("it was called"));
    let error = builder.section(section).load().unwrap_err().to_string();
    assert!(
        error.contains("lamps.hall.watts: expected a whole number"),
        "{error}"
    );
}

fn lamps_schema() -> Json {
    json!({ "type": "object", "additionalProperties": lamp() })
}

#[test]
fn secrets_of_a_section_are_shown_nowhere() {
    let below = format!(
        "lamps:\n  hall: {{keys: {{main: {CANARY}}}, key: {CANARY}, colour: red}}\nhosts:\n  web: {{key: {CANARY}, slot: 1}}\n"
    );
    let loaded = load(&below).unwrap();
    let hall = &loaded.config.section("lamps").unwrap()["hall"];
    assert_eq!(
        (&hall["key"], &hall["keys"]["main"]),
        (&json!(CANARY), &json!(CANARY))
    );
    let web = loaded.config.host("web").unwrap();
    assert_eq!(web.extra(), Some(&json!({ "key": CANARY, "slot": 1 })));
    let shown = format!("{:?}{web:?}{}", loaded.config, loaded.warnings.source());
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(
        shown.contains("red is") || shown.contains("colour"),
        "{shown}"
    );

    let wrong = format!(
        "lamps:\n  hall: {{keys: {{main: [{CANARY}]}}, key: {{a: {CANARY}, b: 1}}, pin: 47114711}}\n"
    );
    let Err(LoadError::Problems(problems)) = load(&wrong) else {
        panic!("it was accepted");
    };
    let shown = format!("{problems}{}", problems.source());
    assert_eq!(problems.iter().count(), 3, "{problems}");
    assert!(
        !shown.contains(CANARY) && !shown.contains("4711"),
        "{shown}"
    );
}

#[test]
fn a_secret_that_may_be_of_several_kinds_is_one_as_a_whole() {
    let schema = json!({ "type": "object", "properties": { "door": { "writeOnly": true, "anyOf": [
        { "type": "string", "maxLength": 3 }, { "type": "object", "properties": { "code": { "type": "string" } } },
    ] } } });
    let rig = rig();
    let load = |door: &str| {
        let builder = rig
            .exactly(&format!("{HEAD}house: {{door: {door}}}\n"))
            .unwrap();
        builder
            .section(Section::new("house", schema.clone()))
            .load()
    };
    let loaded = load(&format!("{{code: {CANARY}}}")).unwrap();
    let shown = format!("{:?}", loaded.config);
    assert!(!shown.contains(CANARY) && shown.contains("***"), "{shown}");
    let Err(LoadError::Problems(problems)) = load(CANARY) else {
        panic!("it was accepted");
    };
    assert!(
        !format!("{problems}{}", problems.source()).contains(CANARY),
        "{problems}"
    );
}

#[test]
fn a_name_that_a_section_does_not_have_is_a_warning() {
    check(
        "lamps: {hall: {}, attic: {}}\nhosts:\n  web: {lamp: hal}\n  db: {lamp: attic}\n  ns: {lamp: xyzzy}\n",
        &[
            "heartbeat.yaml:5:15: warning: host web: lamp: there is no `hal` in lamps (help: did you mean `hall`?)",
            "heartbeat.yaml:7:14: warning: host ns: lamp: there is no `xyzzy` in lamps (help: the names there are: attic, hall)",
        ],
    );
}

#[test]
fn the_engine_s_own_keys_of_hosts_can_name_too() {
    let yaml = format!(
        "{HEAD}threshold_configs: {{high: {{}}}}\nhosts: {{web: {{threshold_config: higgh}}}}\n"
    );
    let section = Section::new("threshold_configs", json!({ "type": "object" }));
    let section = section.names("threshold_config");
    let loaded = rig()
        .exactly(&yaml)
        .unwrap()
        .section(section)
        .load()
        .unwrap();
    let said = loaded.warnings.to_string();
    assert!(
        said.contains(":4:33: warning: host web: threshold_config: there is no `higgh`"),
        "{said}"
    );
    assert!(said.ends_with("(help: did you mean `high`?)"), "{said}");
}

#[test]
fn a_slip_in_the_name_of_a_section_or_of_a_host_s_key() {
    check(
        "lamp: {}\nhosts:\n  web: {slott: 1}\n",
        &[
            "heartbeat.yaml:3:1: warning: lamp: unknown section; perhaps another program reads it (help: did you mean `lamps`?)",
            "heartbeat.yaml:5:9: warning: host web: slott: unknown field (help: did you mean `slot`?)",
        ],
    );
}

#[test]
fn hosts_keys_are_read_and_checked_where_they_stand() {
    check(
        "hosts:\n  web: {slot: first}\n  db: {watch: true, slot: 13}\n  ns: {slot: 13}\n  mx: {watch: true}\n",
        &[
            "heartbeat.yaml:4:15: error: host web: slot: expected a whole number, found `first`",
            "heartbeat.yaml:5:27: error: host db: slot: there is no slot 13",
            "heartbeat.yaml:6:14: error: host ns: slot: there is no slot 13",
        ],
    );
    let loaded = load("hosts:\n  web: {slot: 1, watch: true}\n  mx: {watch: true}\n").unwrap();
    let extra = |host: &str| loaded.config.host(host).unwrap().extra();
    assert_eq!(extra("web"), Some(&json!({ "slot": 1 })));
    assert_eq!(extra("mx"), None);
}

#[test]
fn equal_keys_of_many_hosts_are_kept_and_checked_once() {
    let mut below = "hosts:\n".to_owned();
    for number in 0..1_000 {
        writeln!(below, "  h{number}: {{slot: {}}}", number % 2).unwrap();
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let count = move |_: &Json| {
        counted.fetch_add(1, Ordering::Relaxed);
        Vec::new()
    };
    let rig = rig();
    let builder = rig.exactly(&format!("{HEAD}{below}")).unwrap();
    let loaded = builder.host_keys(host_schema(), count).load().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let extra = |host: &str| std::ptr::from_ref(loaded.config.host(host).unwrap().extra().unwrap());
    assert_eq!(extra("h0"), extra("h998"));
    assert_ne!(extra("h0"), extra("h1"));
}

#[test]
fn a_large_file_gives_the_same() {
    let mut below = "lamps:\n  hall: {number: \"0123\", watts: 60}\nhosts:\n".to_owned();
    for number in 0..30_000 {
        let slot = if number == 29_999 { 13 } else { 12 };
        writeln!(below, "  host-{number}:\n    slot: {slot}\n    lamp: hall").unwrap();
    }
    assert!(below.len() > 1024 * 1024);
    check(
        &below,
        &["heartbeat.yaml:90004:11: error: host host-29999: slot: there is no slot 13"],
    );
    let loaded = load(&below.replace("slot: 13", "slot: 12")).unwrap();
    let host = loaded.config.host("host-29999").unwrap();
    assert_eq!(host.extra(), Some(&json!({ "slot": 12, "lamp": "hall" })));
    assert_eq!(
        loaded.config.section("lamps").unwrap()["hall"]["number"],
        "0123"
    );
}

#[test]
fn the_document_s_schema_has_what_is_declared() {
    let rig = rig();
    let types: Vec<_> = {
        let catalog = rig.exactly(HEAD).unwrap().find_plugins();
        let names: Vec<String> = catalog.channel_types().map(str::to_owned).collect();
        names
            .iter()
            .map(|name| catalog.describe(name).unwrap())
            .collect()
    };
    let schema = declared(&rig, "").document_schema(&types);
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (file, right) in [
        (
            json!({ "lamps": { "hall": { "watts": 60, "keys": { "main": "x" } } } }),
            true,
        ),
        (
            json!({ "lamps": { "hall": { "key": { "env": "KEY" }, "number": 12 } } }),
            true,
        ),
        (json!({ "lamps": { "hall": { "watts": "many" } } }), false),
        (
            json!({ "lamps": { "hall": { "keys": { "main": [] } } } }),
            false,
        ),
        (
            json!({ "hosts": { "web": { "slot": 1, "watch": true } } }),
            true,
        ),
        (json!({ "hosts": { "web": { "slot": "first" } } }), false),
    ] {
        assert_eq!(validator.is_valid(&file), right, "{file}");
    }
    assert_eq!(
        rig.exactly(HEAD).unwrap().document_schema(&types),
        document_schema(&types)
    );
}
