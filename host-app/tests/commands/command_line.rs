//! Every command of `hbd`, as a user types it: output, errors, exit status.

use std::{
    fs,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use annunciator_testkit::{artefacts, rig::Rig};
use serde_json::Value;

const YAML: &str = "notification_channels:
  a: {type: steady, text: hello, token: canary}
  b: {type: steady, outcomes: [ok, later, never]}
default_notification_channels: [a]
hosts:
  web-01: {watch: true, threshold_config: high, notification_channels: [a, b, a], dyndns: false}
  db-01: {}
";

struct Hbd {
    rig: Rig,
}

impl Hbd {
    fn new(yaml: &str) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let _builder = rig.configured(yaml).unwrap();
        Self { rig }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbd"));
        command
            .env_clear()
            .env("HBD_CONFIG", self.rig.file())
            .env("ANNUNCIATOR_PLUGIN_DIR", self.rig.plugins())
            .current_dir(self.rig.folder())
            .args(args);
        command
    }

    /// Exit status, standard output, standard error.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        notified(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    fn json(&self, args: &[&str]) -> Value {
        let (_, out, err) = self.run(args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }
}

fn notified(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn check_on_a_sound_configuration() {
    let (status, out, err) = Hbd::new(YAML).run(&["check"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out, "the configuration is sound: 2 channels, 2 hosts\n");
}

#[test]
fn check_shows_the_line_and_hides_the_secret() {
    let hbd = Hbd::new("notification_channels:\n  a: {type: steady, tekst: x, token: canary}\n");
    let (status, out, err) = hbd.run(&["check"]);
    assert_eq!((status, out.as_str()), (2, ""));
    let file = hbd.rig.file().display().to_string();
    let expected = format!(
        "error: channel a: tekst: unknown field
 --> {file}:2:21
  |
2 |   a: {{type: steady, tekst: *, token: ******}}
  |                     ^^^^^
  |
  = help: did you mean `text`?

{file}: 1 error
"
    );
    assert_eq!(err, expected);
}

#[test]
fn send_notifies_every_channel_once_and_says_what_came_of_it() {
    let hbd = Hbd::new(YAML);
    let (status, out, _) = hbd.run(&["send", "--host", "web-01", "CPU at 95 %"]);
    assert_eq!(status, 1);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("a: delivered in "), "{out}");
    assert!(
        lines[1].starts_with("b: failed to send notification ("),
        "{out}"
    );
    assert_eq!(
        lines[2..],
        [
            "  1: not delivered for now: busy",
            "  2: not delivered: nobody there"
        ]
    );

    let (status, out, err) = hbd.run(&["send", "--default", "hello"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.starts_with("a: delivered in "), "{out}");
}

#[test]
fn send_as_json_has_the_results_and_what_stands_behind_them() {
    let answer = Hbd::new(YAML).json(&["send", "--host", "web-01", "--json", "hello"]);
    assert_eq!(
        answer["results"],
        serde_json::json!({ "a": true, "b": false })
    );
    let targets = answer["channels"]["b"]["targets"].as_array().unwrap();
    let classes: Vec<&str> = targets
        .iter()
        .map(|target| target["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["delivered", "retry", "permanent"]);
    assert_eq!(answer["channels"]["a"]["targets"][0]["remote_id"], "hello");
}

#[test]
fn send_reads_standard_input() {
    let hbd = Hbd::new(YAML);
    let mut child = hbd
        .command(&["send", "--channel", "a", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"from a pipe\xff\n")
        .unwrap();
    let (status, _, err) = notified(child.wait_with_output().unwrap());
    assert_eq!((status, err.as_str()), (0, ""));
}

#[test]
fn send_refuses_what_makes_no_sense() {
    let hbd = Hbd::new(YAML);
    for (args, says) in [
        (
            &["send", "--default", ""][..],
            "error: the message is empty",
        ),
        (
            &["send", "--channel", "nobody", "x"],
            "error: there is no channel `nobody`",
        ),
        (&["send", "x"], "--host <NAME>|--channel <NAME>|--default"),
        (
            &["send", "--host", "h", "--default", "x"],
            "cannot be used with",
        ),
        (
            &["send", "--default", "--severity", "bad", "x"],
            "unknown severity `bad`: use info, warning or critical",
        ),
    ] {
        let (status, out, err) = hbd.run(args);
        assert_eq!((status, out.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
}

#[test]
fn send_with_nobody_to_notify_is_an_error() {
    let hbd = Hbd::new("notification_channels: {a: {type: steady}}\n");
    let (status, _, err) = hbd.run(&["send", "--host", "web", "hello"]);
    assert_eq!(status, 2);
    assert!(err.contains("nobody was notified"), "{err}");
}

#[test]
fn send_for_a_host_that_is_not_configured_says_who_was_notified_instead() {
    let hbd = Hbd::new(
        "notification_channels: {a: {type: steady}}\ndefault_notification_channels: [a]\nhosts: {web-01: {}}\n",
    );
    let (status, out, err) = hbd.run(&["send", "--host", "wbe-01", "hello"]);
    assert_eq!(status, 0, "{err}");
    assert!(out.starts_with("a: delivered in "), "{out}");
    let expected =
        "warning: no host `wbe-01` is in the configuration: the default channels were notified\n";
    assert_eq!(err, expected);
    assert_eq!(hbd.run(&["send", "--host", "web-01", "hello"]).2, "");
}

#[test]
fn test_checks_and_delivers() {
    let hbd = Hbd::new(YAML);
    let (status, out, _) = hbd.run(&["test"]);
    assert_eq!(
        (status, out.as_str()),
        (0, "a: ok: steady\nb: ok: steady\n")
    );
    assert_eq!(
        hbd.json(&["test", "--json", "b"])["checks"][0]["status"],
        "ok"
    );
    assert_eq!(hbd.run(&["test", "nobody"]).0, 2);
    let (status, out, _) = hbd.run(&["test", "--deliver", "a"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("a: delivered in "), "{out}");
    assert_eq!(hbd.run(&["test", "--deliver"]).0, 1);
}

#[test]
fn channels_and_hosts_are_listed_without_their_secrets() {
    let hbd = Hbd::new(YAML);
    let (_, out, _) = hbd.run(&["channels"]);
    assert_eq!(
        out,
        "CHANNEL  TYPE    DEFAULT  STATE\na        steady  yes      ready\nb        steady           ready\n"
    );
    let listed = hbd.json(&["channels", "--json"]);
    assert_eq!(listed["channels"][0]["settings"]["token"], "***");
    assert!(!listed.to_string().contains("canary"));
    let (_, out, _) = hbd.run(&["hosts"]);
    assert_eq!(
        out,
        "HOST    WATCHED  THRESHOLDS  CHANNELS\ndb-01   no                   a (default)\nweb-01  yes      high        a, b\n"
    );
    let listed = hbd.json(&["hosts", "--json"]);
    assert_eq!(
        listed["hosts"][1]["channels"],
        serde_json::json!(["a", "b"])
    );
}

#[test]
fn plugins_are_listed_by_their_notes() {
    let hbd = Hbd::new(YAML);
    let (status, out, _) = hbd.run(&["plugins"]);
    assert_eq!(status, 0);
    assert!(
        out.lines()
            .nth(1)
            .unwrap()
            .starts_with("fixture-steady  0.1.0    1.1  steady"),
        "{out}"
    );
    let listed = hbd.json(&["plugins", "--json"]);
    assert_eq!(
        listed["plugins"][0]["channel_types"],
        serde_json::json!(["steady"])
    );

    fs::write(hbd.rig.plugins().join("libtext.so"), "no plugin").unwrap();
    let (status, _, err) = hbd.run(&["plugins"]);
    assert_eq!(status, 1);
    assert!(err.contains("libtext.so is not a plugin"), "{err}");
    let path = hbd.rig.plugins().join("libtext.so").display().to_string();
    assert_eq!(hbd.run(&["plugins", &path]).0, 1);
    let folder = hbd.rig.plugins().display().to_string();
    assert!(hbd.run(&["plugins", &folder]).1.contains("steady"));
}

#[test]
fn the_schema_covers_every_plugin_and_every_section() {
    let schema = Hbd::new(YAML).json(&["schema"]);
    let properties = schema["properties"].as_object().unwrap();
    for key in [
        "notification_channels",
        "default_notification_channels",
        "hosts",
        "plugins",
    ] {
        assert!(properties.contains_key(key), "{key}");
    }
    let channel = &schema["properties"]["notification_channels"]["additionalProperties"];
    assert_eq!(
        channel["properties"]["type"]["enum"],
        serde_json::json!(["steady"])
    );
    let steady = &schema["$defs"]["steady"]["properties"];
    assert_eq!(steady["text"]["description"], "Any text.");
    assert_eq!(steady["text"]["anyOf"][1]["$ref"], "#/$defs/reference");
    assert_eq!(steady["inner"]["anyOf"][0]["$ref"], "#/$defs/steady.Inner");
    assert!(schema["$defs"]["steady.Inner"].is_object());
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let (status, out, _) = Hbd::new(YAML).run(&["completions", shell]);
        assert_eq!(status, 0);
        assert!(
            out.contains("channels") && out.contains("schema"),
            "{shell}"
        );
        let states = out.contains("in_flight") && out.contains("superseded");
        assert!(states && out.contains("audit"), "{shell}");
    }
}

#[test]
fn the_configuration_is_found_in_the_current_folder() {
    let hbd = Hbd::new(YAML);
    let output = hbd
        .command(&["check"])
        .env_remove("HBD_CONFIG")
        .output()
        .unwrap();
    assert_eq!(notified(output).0, 0);
    let elsewhere = tempfile::tempdir().unwrap();
    let output = hbd
        .command(&["check"])
        .env_remove("HBD_CONFIG")
        .current_dir(elsewhere.path())
        .output()
        .unwrap();
    let (status, _, err) = notified(output);
    assert_eq!(status, 2);
    assert!(err.contains("there is no configuration"), "{err}");
}

#[test]
fn the_log_names_what_failed_in_the_words_that_users_search() {
    let (_, _, err) = Hbd::new(YAML).run(&["-v", "send", "--channel", "b", "hello"]);
    assert!(
        err.contains("failed to send notification: nobody there"),
        "{err}"
    );
    assert!(err.contains("channel=b"), "{err}");
}

#[test]
fn the_log_of_a_plugin_appears_under_its_channel() {
    let hbd = Hbd::new(YAML);
    let output = hbd
        .command(&["send", "--channel", "a", "hello"])
        .env("HBD_LOG", "debug")
        .output()
        .unwrap();
    let (_, _, err) = notified(output);
    let line = err
        .lines()
        .find(|line| line.contains("steady as ever"))
        .unwrap_or_else(|| panic!("{err}"));
    assert!(
        line.contains("channel=a") && line.contains("{\"attempt\":1}"),
        "{line}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let hbd = Hbd::new(YAML);
    let mut child = hbd
        .command(&["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (_, _, err) = notified(child.wait_with_output().unwrap());
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn a_disabled_channel_is_reported_and_does_not_stop_the_others() {
    let hbd = Hbd::new(
        "notification_channels:\n  a: {type: steady}\n  x: {type: ill_behaved, how: not}\n",
    );
    fs::write(hbd.rig.plugins().join("libother.so"), "").unwrap();
    let ill = artefacts::plugin("fixture-ill-behaved").unwrap();
    let mut bytes = fs::read(&ill).unwrap();
    for name in ["libone.so", "libtwo.so"] {
        artefacts::copy(&ill, hbd.rig.plugins().join(name)).unwrap();
        fs::write(hbd.rig.plugins().join(name), &bytes).unwrap();
        // The other is another file: what stands behind an ELF file is nobody's.
        bytes.push(0);
    }
    let (status, out, err) = hbd.run(&["send", "--channel", "a", "--channel", "x", "hello"]);
    assert_eq!(status, 1);
    assert!(out.contains("a: delivered"), "{out}");
    assert!(
        err.contains(
            "warning: channel x is disabled: channel type ill_behaved is offered by two plugins"
        ),
        "{err}"
    );
}
