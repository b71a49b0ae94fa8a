//! Values in a configuration: text as it was typed, numbers, secrets from
//! elsewhere, and what is never shown.

use std::fs;

use annunciator::{Level, LoadError};
use annunciator_testkit::rig::Rig;
use annunciator_tests::said::{check, rig, said, settings};

#[test]
fn text_arrives_as_it_was_typed() {
    let texts = [
        "+12025551234",
        "+0987654321",
        "0123",
        "1e5",
        "yes",
        "0x1F",
        "no",
        "null!",
        "1_000",
        "12:30",
        "3.10",
        "TRUE",
    ];
    let rig = rig();
    for text in texts {
        let loaded = rig
            .exactly(&settings(&format!("text: {text}")))
            .unwrap()
            .load()
            .unwrap();
        let channel = loaded.config.channel("s").unwrap();
        assert_eq!(channel.settings()["text"], text);
    }
}

#[test]
fn numbers_in_every_form_of_yaml() {
    let rig = rig();
    for (typed, number) in [("0x1F", 31), ("0o17", 15), ("0b11", 3), ("+25", 25)] {
        let loaded = rig
            .exactly(&settings(&format!("port: {typed}")))
            .unwrap()
            .load()
            .unwrap();
        assert_eq!(
            loaded.config.channel("s").unwrap().settings()["port"],
            number
        );
    }
}

#[test]
fn one_text_or_several() {
    for typed in ["one_or_more: x", "one_or_more: [x, y]"] {
        check(&settings(typed), &[]);
    }
    let said = said(&settings("one_or_more: {a: 1, b: 2}"));
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn secrets_from_elsewhere() {
    let rig = rig();
    let file = rig.folder().join("token");
    fs::write(&file, "canary\n").unwrap();
    let yaml = settings(&format!(
        "text: {{file: {}}}, token: {{file: {0}}}",
        file.display()
    ));
    let loaded = rig.exactly(&yaml).unwrap().load().unwrap();
    let channel = loaded.config.channel("s").unwrap();
    assert_eq!(channel.settings()["text"], "canary");
    assert_eq!(channel.settings()["token"], "***");
    assert!(!format!("{:?}", channel.settings()["token"]).contains("canary"));

    let path = std::env::var("PATH").unwrap();
    let loaded = rig
        .exactly(&settings("text: {env: PATH}"))
        .unwrap()
        .load()
        .unwrap();
    assert_eq!(
        loaded.config.channel("s").unwrap().settings()["text"],
        path.as_str()
    );
}

#[test]
fn secrets_that_are_not_where_they_should_be() {
    let yaml = settings("token: {env: NO_SUCH_VARIABLE}");
    check(
        &yaml,
        &[
            "heartbeat.yaml:2:28: error: channel s: token: the environment variable NO_SUCH_VARIABLE is not set (help: set it where this program is started, in a unit by Environment= or EnvironmentFile=)",
        ],
    );
    check(
        &settings("token: {file: secret.txt}"),
        &[
            "heartbeat.yaml:2:28: error: channel s: token: this is not an absolute path (help: write the absolute path, from /)",
        ],
    );
    check(
        &settings("token: {file: /no/such/file}"),
        &[
            "heartbeat.yaml:2:28: error: channel s: token: /no/such/file cannot be read: No such file or directory (os error 2)",
        ],
    );
    let said = said(&settings("token: {credential: smtp}"));
    assert!(
        said[0].contains("there is no credential smtp: systemd gave this program none"),
        "{said:?}"
    );
    check(
        &settings("token: {credential: ../smtp}"),
        &["heartbeat.yaml:2:28: error: channel s: token: this is not the name of a credential"],
    );
}

#[test]
fn a_file_with_secrets_that_others_may_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = rig();
    let builder = rig.exactly(&settings("token: canary")).unwrap();
    assert!(builder.load().unwrap().warnings.is_empty());
    fs::set_permissions(rig.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = builder.load().unwrap().warnings;
    assert_eq!(warnings.count(Level::Warning), 1);
    let advice = format!(
        "every user of this machine may read it (help: remove the permission: `chmod o= {}`)",
        rig.file().display()
    );
    // A path with a blank is quoted.
    let warning = warnings.to_string().replace('\'', "");
    assert!(warning.contains(&advice), "{warnings}");
    let builder = rig.exactly(&settings("text: public")).unwrap();
    fs::set_permissions(rig.file(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(builder.load().unwrap().warnings.is_empty());
}

#[test]
fn no_secret_stands_in_what_is_shown_of_a_file() {
    let canaries = [
        "type: steady, token: canary, port: x",
        "type: steady, tokn: canary",
        "type: steady, token: [canary]",
        "type: steady, inner: {neded: canary}",
        "type: nothing, password: canary",
        "tipe: steady, password: canary",
    ];
    for fields in canaries {
        let yaml = format!("notification_channels:\n  s: {{{fields}}}\n");
        let rig = rig();
        let annunciator::LoadError::Problems(problems) =
            rig.exactly(&yaml).unwrap().load().unwrap_err()
        else {
            panic!("not a list of problems");
        };
        assert!(!problems.to_string().contains("canary"), "{problems}");
        assert!(
            !problems.source().contains("canary"),
            "{}",
            problems.source()
        );
        assert_eq!(problems.source().len(), yaml.len());
        assert!(!format!("{problems:?}").contains("canary"));
    }
    // Where the file is no YAML, nobody knows what is secret.
    let broken = "notification_channels:\n  s:\n    token: canary\n   x: [\n";
    let annunciator::LoadError::Problems(problems) =
        rig().exactly(broken).unwrap().load().unwrap_err()
    else {
        panic!("not a list of problems");
    };
    assert!(
        !problems.source().contains("canary"),
        "{}",
        problems.source()
    );
}

#[test]
fn settings_that_turn_out_wrong_when_the_channel_is_opened() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rig = rig();
    let bad = settings("text: no such certificate");
    let yaml = format!("{bad}  good: {{type: steady}}\n");
    let builder = rig.exactly(&yaml).unwrap();
    let notified = runtime.block_on(async {
        let engine = builder.start().await.unwrap();
        assert_eq!(engine.alerts()[0].subject, "channel/s/disabled");
        engine.notify_channels(&["s", "good"], "x").await.unwrap()
    });
    assert!(notified.results()["good"] && !notified.results()["s"]);
    let detail = &notified.channels()["s"].targets[0].detail;
    assert!(
        detail.contains("the certificate does not exist"),
        "{detail}"
    );
    let required = yaml.replace("steady, text", "steady, delivery: {required: true}, text");
    let builder = rig.exactly(&required).unwrap();
    let error = runtime.block_on(builder.start()).unwrap_err();
    let sentence = "channel s: the certificate does not exist";
    assert_eq!(error.to_string(), sentence);
}

/// What is said of a pushover channel with these settings, by its fields.
fn errors(settings: &str) -> Vec<String> {
    let rig = Rig::new(&["annunciator-pushover"]).unwrap();
    let yaml = format!("notification_channels:\n  p: {{type: pushover, {settings}}}\n");
    let error = rig.exactly(&yaml).unwrap().load().unwrap_err();
    let LoadError::Problems(problems) = error else {
        panic!("{error}");
    };
    let errors = problems
        .iter()
        .filter(|problem| problem.level == Level::Error);
    errors
        .map(|problem| problem.field.clone().unwrap())
        .collect()
}

#[test]
fn the_plugin_s_errors_are_reported_beside_a_required_field_that_is_missing_or_wrong() {
    let user = "user: uQiRzpo4DXghDmr9QzzfQu27cmVRsG";
    let rest = "callback: nowhere, tags: ['a,b']";
    assert_eq!(
        errors(&format!("{user}, {rest}")),
        ["token", "callback", "tags[0]"]
    );
    assert_eq!(
        errors(&format!("token: [1, 2], {user}, {rest}")),
        ["token", "callback", "tags[0]"]
    );
    // An optional one that is wrong hides nothing either.
    assert_eq!(
        errors(&format!("token: x, {user}, {rest}, retry: soon")),
        ["callback", "tags[0]", "retry"]
    );
}

#[test]
fn what_could_follow_from_the_example_in_the_place_of_what_is_missing_is_not_reported() {
    let user = "user: uQiRzpo4DXghDmr9QzzfQu27cmVRsG";
    // Wrong together; which of them will be there, nobody knows yet.
    let both = "html: true, monospace: true";
    assert_eq!(errors(&format!("{user}, {both}")), ["token"]);
    assert_eq!(errors(&format!("token: x, {user}, {both}")), ["monospace"]);
    assert_eq!(errors("html: true"), ["token", "user"]);
}

#[test]
fn what_other_programs_know_and_this_one_takes_literally() {
    check(
        "notification_channels:\n  w: {type: steady, text: \"https://example.com/${TOKEN}\"}\n\
         default_notification_channels: [w]\nhosts: {\"web-*\": {watch: true}}\ninclude: [conf.d/*.yaml]\n",
        &[
            "heartbeat.yaml:2:27: warning: channel w: text: `${…}` stays as it is written (help: write {env: NAME} for the whole value, if a variable is meant)",
            "heartbeat.yaml:4:9: warning: host web-*: this is the name of one host, and no pattern (help: write a line for each host; an anchor (`web-01: &web {…}`) lets others say the same (`web-02: *web`))",
            "heartbeat.yaml:5:1: warning: include: no other file is read (help: write all of it into this file)",
        ],
    );
}

#[test]
fn hosts_that_other_programs_would_take_for_many() {
    for (name, noun) in [
        ("web-{a,b}", "pattern"),
        ("web-01,web-02", "list"),
        ("/^web/", "pattern"),
        ("~web.*", "pattern"),
        ("web-[01:10]", "pattern"),
        ("web-0?", "pattern"),
    ] {
        let said = said(&format!(
            "notification_channels: {{w: {{type: steady}}}}\ndefault_notification_channels: [w]\n\
             hosts: {{\"{name}\": {{watch: true}}}}\n"
        ));
        let sentence = format!("this is the name of one host, and no {noun} (help: write a line");
        assert!(said.len() == 1 && said[0].contains(&sentence), "{said:?}");
    }
    for name in [
        "web-01.example.com",
        "büro drucker",
        "10.0.0.1/8",
        "a@b",
        "fe80::1%eth0",
    ] {
        let said = said(&format!(
            "notification_channels: {{w: {{type: steady}}}}\ndefault_notification_channels: [w]\n\
             hosts: {{\"{name}\": {{watch: true}}}}\n"
        ));
        assert_eq!(said, Vec::<String>::new());
    }
}

#[test]
fn a_host_without_a_name_is_an_error() {
    check(
        "notification_channels: {w: {type: steady}}\ndefault_notification_channels: [w]\nhosts: {\"\": {}}\n",
        &[
            "heartbeat.yaml:3:9: error: host : a host without a name (help: write the name in front of the colon)",
        ],
    );
}

#[test]
fn other_files_and_variables_in_every_form_that_is_known() {
    for key in ["include", "extends", "files", "$ref", "$include", "imports"] {
        let said = said(&format!(
            "notification_channels: {{w: {{type: steady}}}}\n{key}: [a.yaml]\n"
        ));
        assert!(
            said[0].ends_with("no other file is read (help: write all of it into this file)"),
            "{said:?}"
        );
    }
    let whole = "write {env: NAME} for the whole value, if a variable is meant";
    for (value, form) in [
        ("$TOKEN", "$…"),
        ("%{USER}", "%{…}"),
        ("a/${env:X}/b", "${…}"),
        ("env:TOK", "env:…"),
        ("$(hostname)", "$(…)"),
    ] {
        let said = said(&settings(&format!("list: [a, \"{value}\"]")));
        let sentence =
            format!("channel s: list[1]: `{form}` stays as it is written (help: {whole})");
        assert!(said.len() == 1 && said[0].ends_with(&sentence), "{said:?}");
    }
    // Where it is wrong anyhow, and where no variable can stand, nobody is sent to one.
    let number = said(&settings("port: $PORT"));
    assert_eq!(number.len(), 1, "{number:?}");
    let list = "notification_channels: {w: {type: steady}}\ndelivery: {ttl: \"${TTL}\"}\n";
    assert!(!said(list).iter().any(|it| it.contains("{env: NAME}")));
    for (value, help) in [
        ("!include x.yaml", "write all of it into this file"),
        ("!env TOKEN", whole),
        ("!ENV ${TOKEN}", whole),
    ] {
        let said = said(&settings(&format!("text: {value}")));
        assert!(said[0].contains(&format!("(help: {help})")), "{said:?}");
    }
}

#[test]
fn a_field_whose_blank_or_colon_was_forgotten() {
    check(
        &settings("text:hello, tokenabc"),
        &[
            "heartbeat.yaml:2:21: error: channel s: text: a blank is missing after the colon (help: write `text: …`)",
            "heartbeat.yaml:2:33: error: channel s: this is not a field (help: write the field's name in front of it, and a colon)",
        ],
    );
}

#[test]
fn a_line_separator_in_a_comment_moves_nothing() {
    check(
        "# one \u{2028}# two\nnotification_channels:\n  s: {type: steady, text: [a]}\n",
        &["heartbeat.yaml:3:27: error: channel s: text: expected text, found a list"],
    );
}

#[test]
fn a_line_separator_that_ends_a_comment_is_named() {
    let said = said("hosts: {}\n# one \u{2028}two words\nnotification_channels: {}\n");
    let (place, help) = ("heartbeat.yaml:2:8: error: this is not YAML", "U+2028");
    assert!(said[0].starts_with(place), "{said:?}");
    assert!(said[0].contains(help), "{said:?}");
}
