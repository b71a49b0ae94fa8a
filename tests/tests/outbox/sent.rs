//! `hbd send` without a store in a file: what fails is tried again while it waits,
//! and what came of it is said once and truly.

use annunciator_testkit::{artefacts::executable, http::Fault};

use crate::desk::{Desk, status};

/// Sends a message, and has the answer as JSON where that is wanted; answers the exit status, standard output and standard error.
async fn send(desk: &Desk, rest: &str, more: &[&str]) -> (i32, String, String) {
    let yaml = format!(
        "notification_channels:
  ops: {{type: mattermost, host: '{}', token: h1, channel: ops, delivery: {{timeout: 2s, retry: {{attempts: 5, first: 200ms, max: 400ms}}}}}}
default_notification_channels: [ops]
{rest}",
        desk.remote.url()
    );
    let _builder = desk.rig.exactly(&yaml).unwrap();
    let hbd = executable("hbd").unwrap().display().to_string();
    let sending = || {
        desk.rig
            .hbd(&hbd, &[&["send", "--default", "down"], more].concat())
    };
    tokio::task::block_in_place(sending).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_twice_arrives_by_the_third_attempt() {
    let desk = Desk::new().await;
    desk.remote.fault(status(503));
    desk.remote.fault(status(503));
    let (code, out, err) = send(&desk, "delivery: {wait: 10m}\n", &["--json"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["channels"]["ops"]["attempts"], 3, "{out}");
    assert!(!err.contains("tried again"), "{err}");
    assert_eq!(desk.arrived(), ["down"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_tries_again_is_not_said_to_be() {
    let desk = Desk::new().await;
    desk.remote.always(status(503));
    let (code, out, err) = send(&desk, "delivery: {wait: 1ms}\n", &[]).await;
    assert_eq!(code, 1, "{out}{err}");
    let said = format!("{out}{err}");
    assert!(said.contains("not tried again"), "{said}");
    assert!(!said.contains("it is tried again"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_neither_failed_nor_untried() {
    let desk = Desk::new().await;
    desk.remote.always(Fault::Silent);
    let (code, out, err) = send(&desk, "delivery: {wait: 200ms}\n", &["--json"]).await;
    assert_eq!(code, 1, "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let channel = &report["channels"]["ops"];
    assert_eq!(channel["state"], "unknown", "{out}");
    // On a busy machine the first may have run into its timeout, and the second be under way.
    assert!(channel["attempts"].as_u64().unwrap() >= 1, "{out}");
    assert_eq!(channel["targets"][0]["class"], "unknown", "{out}");
}
