//! `hbd send` and `hbd notify` in scripts: they open an incident, send reminders, end it,
//! and repeat safely.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use annunciator_testkit::{
    mattermost::{BOT_TOKEN, CHANNEL, HOOK, Mattermost, Post, TEAM},
    rig::Rig,
};
use serde_json::Value as Json;

/// How long a monitor may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A desk with two channels on one server: a bot, which threads, and a webhook.
struct Desk {
    rig: Rig,
    server: Mattermost,
}

impl Desk {
    async fn new(store: &str) -> Self {
        let server = Mattermost::start().await;
        let rig = Rig::new(&["annunciator-mattermost"]).unwrap();
        let url = server.url();
        let folder = rig.folder().display().to_string();
        let yaml = format!(
            "notification_channels:
  bot: {{type: mattermost, host: '{url}', bot_token: {BOT_TOKEN}, team: {TEAM}, channel: {CHANNEL}}}
  hook: {{type: mattermost, host: '{url}', token: {HOOK}, channel: {CHANNEL}, username: hook, delivery: {{min_severity: critical}}}}
default_notification_channels: [bot, hook]
hosts:
  db-01: {{notification_channels: [bot]}}
monitor:
  listen: ['127.0.0.1:0']
  state: HOME/state.sqlite
  control: HOME/control.sock
delivery: {store}
"
        )
        .replace("HOME", &folder);
        let _builder = rig.exactly(&yaml).unwrap();
        Self { rig, server }
    }

    /// Runs a script in the rig's folder, where `hbd` is the real one.
    fn script(&self, script: &str) -> Output {
        let hbd = Path::new(env!("CARGO_BIN_EXE_hbd"));
        let path = format!("{}:/usr/bin:/bin", hbd.parent().unwrap().display());
        Command::new("/bin/sh")
            .args(["-euc", script])
            .env_clear()
            .env("PATH", path)
            .env("HBD_CONFIG", self.rig.file())
            .env("ANNUNCIATOR_PLUGIN_DIR", self.rig.plugins())
            .current_dir(self.rig.folder())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// One that ends well; answers what it printed.
    fn well(&self, script: &str) -> String {
        let ended = self.script(script);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            ended.status.success() && said.is_empty(),
            "{script}: {ended:?}"
        );
        String::from_utf8(ended.stdout).unwrap()
    }

    /// One that ends with this status and says this.
    fn fails(&self, script: &str, status: i32, says: &str) {
        let ended = self.script(script);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(status), "{script}: {said}");
        assert!(said.contains(says), "no `{says}` for {script}: {said}");
    }

    /// The texts that arrived, and which of them came by the webhook.
    fn texts(&self) -> Vec<(String, bool)> {
        let posts = self.server.messages();
        posts
            .iter()
            .map(|post| (words(post), post.username() == Some("hook")))
            .collect()
    }
}

/// The first line: another says how late it is.
fn words(post: &Post) -> String {
    let text = post.attachments()[0]["text"].as_str().unwrap().to_owned();
    text.lines().next().unwrap().to_owned()
}

const IN_A_FILE: &str = "{store: HOME/outbox.sqlite}";

#[tokio::test(flavor = "multi_thread")]
async fn a_script_opens_an_incident_threads_it_and_ends_it_where_it_was_reported() {
    let desk = Desk::new(IN_A_FILE).await;
    desk.well(
        "tell() { hbd send --default --incident db-01/disk \"$@\"; }
        # The webhook is told what is critical, and this is not.
        tell --problem --severity warning --key db-01/disk/1 \\
            --attribute path=/var --attribute 'used=95 %' \\
            --occurred-at '2026-11-22 14:00' 'disk is 95 % full' || [ $? = 1 ]
        tell --reminder --severity warning 'disk is still 95 % full' || [ $? = 1 ]
        tell --recovery --severity critical 'disk has room again'",
    );
    let posts = desk.server.messages();
    let all: Vec<String> = posts.iter().map(words).collect();
    assert_eq!(
        all,
        [
            "disk is 95 % full",
            "disk is still 95 % full",
            "disk has room again"
        ]
    );
    let root = posts[0].id.as_str();
    let roots: Vec<&str> = posts.iter().map(|post| post.root_id.as_str()).collect();
    assert_eq!(roots, ["", root, root]);
    // It is over: what comes next under that name is another incident.
    let out = desk.well("hbd deliveries --json");
    let records: Json = serde_json::from_str(&out).unwrap();
    let first = records["deliveries"].as_array().unwrap().last().unwrap();
    assert_eq!(first["incident"], "db-01/disk", "{first}");
    assert_eq!(first["occurred_at_ms"], 1_795_356_000_000_i64, "{first}");
    let attributes = serde_json::json!([
        {"name": "path", "value": "/var"},
        {"name": "used", "value": "95 %"},
    ]);
    assert_eq!(first["attributes"], attributes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_repeats_with_a_key_and_learns_when_that_is_something_else() {
    let desk = Desk::new(IN_A_FILE).await;
    let send = "hbd send --host db-01 --key backup/2026-11-22";
    for _ in 0..3 {
        let out = desk.well(&format!("{send} 'backup failed'"));
        assert!(out.starts_with("bot: delivered"), "{out}");
    }
    assert_eq!(desk.texts(), [("backup failed".to_owned(), false)]);
    let says = "the idempotency key `backup/2026-11-22` was used before, for another notification: its message differs";
    desk.fails(&format!("{send} 'secret words'"), 2, says);
    let says = "its severity differs";
    desk.fails(
        &format!("{send} --severity critical 'backup failed'"),
        2,
        says,
    );
    assert_eq!(desk.texts().len(), 1);
}

/// If no record survives the call, people are notified twice rather than never.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_kept_is_reported() {
    for store in ["{retry: {attempts: 1}}", "{store: none}"] {
        let desk = Desk::new(store).await;
        let send = "hbd send --host db-01 --problem --incident i --attribute a=b";
        assert!(
            desk.well(&format!("{send} once"))
                .starts_with("bot: delivered")
        );
        let ended = desk.script(&format!("{send} --key k again"));
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{store}: {said}");
        assert!(
            said.contains("--key has no effect beyond this call"),
            "{said}"
        );
        assert_eq!(desk.texts().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_who_would_get_it_and_sends_nothing() {
    let desk = Desk::new(IN_A_FILE).await;
    let out = desk.well("hbd send --default --dry-run --severity critical x");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("WHEN"), "{out}");
    assert!(
        lines[1].contains("bot") && lines[1].contains("notified"),
        "{out}"
    );
    assert!(
        lines[2].contains("hook") && lines[2].contains("notified"),
        "{out}"
    );
    assert_eq!(lines[3..], ["nothing was sent"]);
    let out = desk.well("hbd send --default --dry-run --recovery --incident i x");
    assert!(out.contains("are not notified of its end"), "{out}");
    let out = desk.well("hbd send --host db-01 --dry-run --json x");
    let preview: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(preview["channels"][0]["channel"], "bot");
    assert_eq!(preview["notified"], true);
    desk.fails(
        "hbd send --channel nobody --dry-run x",
        2,
        "there is no channel `nobody`",
    );
    desk.fails(
        "hbd send --default --dry-run ' '",
        2,
        "the message is empty",
    );
    assert!(desk.texts().is_empty());
    let store = desk.rig.folder().join("outbox.sqlite");
    assert!(!store.exists(), "a store was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_wrongly_is_reported_with_what_is_right() {
    let desk = Desk::new(IN_A_FILE).await;
    let long = "x".repeat(5000);
    let many: String = (0..65)
        .map(|number| format!("--attribute a{number}=x "))
        .collect();
    for command in ["send", "notify"] {
        for (wrong, says) in [
            ("--problem --recovery --incident i", "cannot be used with"),
            ("--problem --reminder --incident i", "cannot be used with"),
            ("--recovery", "--incident <ID>"),
            ("--reminder", "--incident <ID>"),
            (
                "--incident ''",
                "the same name for a problem and its recovery",
            ),
            (&format!("--incident {long}"), "at most 4096 bytes"),
            ("--key ''", "the same text for the same intent"),
            (&format!("--key {long}"), "at most 512 bytes"),
            ("--attribute path", "write NAME=VALUE"),
            ("--attribute =x", "write NAME=VALUE"),
            (&format!("--attribute a={long}"), "at most 4096 bytes"),
            ("--attribute a=1 --attribute a=2", "`a` is given twice"),
            (&many, "at most 64 attributes"),
            ("--occurred-at yesterday", "write when, such as"),
            ("--occurred-at 14:00", "write when, such as"),
        ] {
            desk.fails(&format!("hbd {command} --default {wrong} x"), 2, says);
        }
    }
    assert!(desk.texts().is_empty());
}

/// A monitor that is ended with the test.
struct Monitor(Child);

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_goes_through_a_running_monitor_as_well() {
    let desk = Desk::new("{retry: {attempts: 1}}").await;
    let monitor = Command::new(env!("CARGO_BIN_EXE_hbd"))
        .arg("run")
        .env_clear()
        .env("HBD_CONFIG", desk.rig.file())
        .env("ANNUNCIATOR_PLUGIN_DIR", desk.rig.plugins())
        .current_dir(desk.rig.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(desk.rig.folder().join("log")).unwrap())
        .spawn()
        .unwrap();
    let _monitor = Monitor(monitor);
    let deadline = Instant::now() + PATIENCE;
    while !desk.script("hbd status").status.success() {
        let log = fs::read_to_string(desk.rig.folder().join("log")).unwrap();
        assert!(Instant::now() < deadline, "{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let out = desk.well("hbd notify --default --dry-run --severity critical x");
    assert!(
        out.contains("hook") && out.ends_with("nothing was sent\n"),
        "{out}"
    );
    assert!(desk.texts().is_empty());
    desk.well(
        "tell() { hbd notify --incident db-01/disk \"$@\"; }
        for again in 1 2; do
            tell --host db-01 --problem --key db-01/disk/1 --attribute path=/var \\
                --occurred-at 2026-11-22T14:00:00+01:00 'disk is full'
        done
        tell --host db-01 --reminder 'disk is still full'
        tell --host db-01 --recovery 'disk has room again'",
    );
    let posts = desk.server.messages();
    let all: Vec<String> = posts.iter().map(words).collect();
    assert_eq!(
        all,
        ["disk is full", "disk is still full", "disk has room again"]
    );
    let root = posts[0].id.as_str();
    let roots: Vec<&str> = posts.iter().map(|post| post.root_id.as_str()).collect();
    assert_eq!(roots, ["", root, root]);
    desk.fails(
        "hbd notify --host db-01 --key db-01/disk/1 other",
        2,
        "was used before",
    );
    desk.fails(
        "hbd notify --host nobody --dry-run x",
        0,
        "warning: no host `nobody` is in the configuration: the default channels would be notified",
    );
}
