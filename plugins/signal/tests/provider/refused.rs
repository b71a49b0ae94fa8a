//! Programs that cannot be started, and daemons that ask to wait.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use crate::support::{ME, ONE, deliver, over};
use annunciator_sdk::{
    Class, Fault as Whose, Outcome,
    testing::{FakeHost, Reply, Sample},
};
use annunciator_signal::Signal;
use annunciator_testkit::artefacts::write_program;
use serde_json::json;

async fn run(script: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("signal-cli");
    write_program(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    let settings = json!({"user": ME, "recipient": ONE, "cli_path": program});
    deliver(&settings, &Sample::new("x")).await.remove(0)
}

#[tokio::test]
async fn a_program_that_was_not_started_has_sent_nothing() {
    for script in [
        "exec /no/such/signal-cli",
        "exit 127",
        "exit 126",
        "echo '/usr/bin/env: java: No such file or directory' >&2; exit 127",
        "echo '/usr/bin/env: java: No such file or directory' >&2; exit 1",
    ] {
        let outcome = run(script).await;
        assert_eq!(outcome.class(), Class::Retry, "{script}: {outcome:?}");
        assert_eq!(outcome.fault(), Some(Whose::Config), "{script}");
        // Only a known cause has a hint.
        let hint = &outcome.raw().hint;
        assert_eq!(hint.is_empty(), !script.contains("java"), "{outcome:?}");
    }
    // The program wrote something before it ended, so nobody knows what it did.
    let outcome = run("echo '{}'; exit 127").await;
    assert_eq!(outcome.class(), Class::Unknown, "{outcome:?}");
}

#[tokio::test]
async fn when_a_daemon_asks_to_wait_the_retry_waits() {
    for (status, class) in [
        (429, Class::Retry),
        (408, Class::Retry),
        (503, Class::Unknown),
        (404, Class::Permanent),
    ] {
        for wait in [Some(3), None] {
            let host = FakeHost::new();
            let reply = Reply::status(status, "");
            host.reply(match wait {
                Some(wait) => reply.header("Retry-After", &wait.to_string()),
                None => reply,
            });
            let settings = over("http://localhost:1", json!({}));
            let channel = host.open::<Signal>(&settings).await.unwrap();
            let outcome = channel.deliver(&Sample::new("x")).await.remove(0);
            channel.close().await;
            assert_eq!(outcome.class(), class, "{outcome:?}");
            let wait = wait.filter(|_| class != Class::Permanent);
            assert_eq!(outcome.wait(), wait.map(Duration::from_secs), "{outcome:?}");
        }
    }
}
