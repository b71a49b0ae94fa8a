//! Messages that do not arrive: the outcome of each failure, and what happens to a child that
//! hangs.

use std::{path::Path, time::Duration};

use crate::support::{ME, ONE, TWO, deliver, open, over, program};
use annunciator_sdk::{Class, Fault as Whose, testing::Sample};
use annunciator_testkit::{
    artefacts::write_program,
    signal::{Fault, ResultType, SignalCli, SignalDaemon, Verdict},
};
use serde_json::json;

/// Waits until a process has ended, or is a zombie whose parent has not waited for it. Returns
/// false after ten seconds, because a process that was killed may take a moment.
async fn is_gone(process: u32) -> bool {
    let file = Path::new("/proc").join(process.to_string()).join("stat");
    for _ in 0..1000 {
        let stat = std::fs::read_to_string(&file).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default();
        if state.is_empty() || state.starts_with(" Z") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn when_the_call_fails_the_code_decides() {
    let error = |code, message: &str| Fault::Error {
        code,
        message: message.to_owned(),
    };
    for (fault, class, whose) in [
        (
            error(-1, "Failed to send message"),
            Class::Permanent,
            Whose::Config,
        ),
        (
            error(-1, "User +12025551234 is not registered."),
            Class::Permanent,
            Whose::Config,
        ),
        (
            error(-1, "Failed to send message: Group not found"),
            Class::Permanent,
            Whose::Recipient,
        ),
        (
            error(-32603, "Failed: connection closed"),
            Class::Retry,
            Whose::Remote,
        ),
        (
            error(-32603, "[429] Rate limit (RateLimitException)"),
            Class::Unknown,
            Whose::Remote,
        ),
        (
            error(-32603, "Failed to add attachment: x"),
            Class::Permanent,
            Whose::Message,
        ),
        (error(-3, "IO"), Class::Retry, Whose::Remote),
        (
            error(-4, "untrusted identities"),
            Class::Permanent,
            Whose::Recipient,
        ),
        (error(-5, "rate limiting"), Class::Retry, Whose::Remote),
        (
            error(-6, "captcha rejected"),
            Class::Permanent,
            Whose::Config,
        ),
        (
            Fault::Garbage("Exception in thread main".to_owned()),
            Class::Unknown,
            Whose::Remote,
        ),
        (
            Fault::Die {
                after_sending: true,
            },
            Class::Unknown,
            Whose::Remote,
        ),
        (Fault::OnlyTimestamp, Class::Delivered, Whose::Remote),
    ] {
        let cli = SignalCli::install(&[ME]).unwrap();
        cli.fault(fault.clone()).unwrap();
        let outcomes = deliver(&program(&cli, json!({})), &Sample::new("x")).await;
        assert_eq!(outcomes[0].class(), class, "{fault:?}: {outcomes:?}");
        if class != Class::Delivered {
            assert_eq!(outcomes[0].fault(), Some(whose), "{fault:?}: {outcomes:?}");
            // Only known words have a hint.
            let unknown = [
                error(-1, "Failed to send message"),
                error(-3, "IO"),
                error(-32603, "Failed: connection closed"),
            ];
            let hint = &outcomes[0].raw().hint;
            assert_eq!(hint.is_empty(), unknown.contains(&fault), "{outcomes:?}");
        }
    }
}

/// Makes an attempt with a program that writes this to its standard error and exits with this
/// status.
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
async fn outcome_of(status: u8, stderr: &str) -> annunciator_sdk::Outcome {
    let folder = tempfile::tempdir().unwrap();
    let (program, words) = (
        folder.path().join("signal-cli"),
        folder.path().join("words"),
    );
    std::fs::write(&words, stderr).unwrap();
    let script = format!(
        "#!/bin/sh\ncat >/dev/null\ncat '{}' >&2\nexit {status}\n",
        words.display()
    );
    write_program(&program, script).unwrap();
    let settings = json!({"user": ME, "recipient": ONE, "cli_path": program});
    deliver(&settings, &Sample::new("x")).await.remove(0)
}

#[tokio::test]
async fn when_java_is_too_old_the_outcome_says_which_one_is_needed() {
    let outcome = outcome_of(1, "Exception in thread \"main\" java.lang.UnsupportedClassVersionError: org/asamk/signal/Main has been compiled by a more recent version of the Java Runtime (class file version 65.0), this version of the Java Runtime only recognizes class file versions up to 61.0
\tat java.base/java.lang.ClassLoader.defineClass1(Native Method)
\tat java.base/java.lang.ClassLoader.defineClass(ClassLoader.java:1017)
\t... 12 more
").await;
    assert_eq!(outcome.class(), Class::Retry, "{outcome:?}");
    assert_eq!(outcome.fault(), Some(Whose::Config));
    let detail = "signal-cli needs Java 21, but was run with Java 17";
    assert_eq!(outcome.raw().detail.as_str(), detail);
    assert!(outcome.raw().hint.contains("JAVA_HOME"), "{outcome:?}");
}

/// Versions before 0.10 have neither an exit status nor results for this.
#[tokio::test]
async fn when_an_older_signal_cli_trusts_no_key_it_is_the_recipients_fault() {
    for status in [1, 2, 3] {
        let outcome = outcome_of(
            status,
            &format!("Failed to send (some) messages:\nUntrusted Identity for \"{ONE}\"\n"),
        )
        .await;
        assert_eq!(outcome.class(), Class::Permanent, "{outcome:?}");
        assert_eq!(outcome.fault(), Some(Whose::Recipient), "{outcome:?}");
        assert!(outcome.raw().hint.contains("trust"), "{outcome:?}");
    }
}

#[tokio::test]
async fn when_an_error_is_unknown_there_is_no_hint() {
    for status in [1, 2, 3] {
        let outcome = outcome_of(
            status,
            "java.lang.IllegalStateException: full moon\n\tat org.asamk.signal.Main.main(Main.java:1)\n",
        )
        .await;
        assert_eq!(outcome.raw().hint.as_str(), "", "{outcome:?}");
        assert!(outcome.raw().detail.contains("full moon"), "{outcome:?}");
    }
}

#[tokio::test]
async fn when_a_child_hangs_it_is_killed_with_its_children() {
    for grandchild in [false, true] {
        let cli = SignalCli::install(&[ME]).unwrap();
        cli.fault(Fault::Hang { grandchild }).unwrap();
        let channel = open(&program(&cli, json!({"timeout": 1}))).await;
        let outcomes = channel.deliver(&Sample::new("x")).await;
        assert_eq!(outcomes[0].class(), Class::Unknown, "{outcomes:?}");
        let processes = cli.calls()[0].processes.clone();
        assert_eq!(processes.len(), 1 + usize::from(grandchild));
        for process in processes {
            assert!(is_gone(process).await, "{process} is left behind");
        }
        // The next call is not blocked.
        let outcomes = channel.deliver(&Sample::new("y")).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
        channel.close().await;
    }
}

#[tokio::test]
async fn when_the_host_gives_up_or_closes_no_child_is_left() {
    for cancelled in [true, false] {
        let cli = SignalCli::install(&[ME]).unwrap();
        cli.fault(Fault::Hang { grandchild: true }).unwrap();
        let channel = open(&program(&cli, json!({}))).await;
        let sample = Sample::new("x");
        if cancelled {
            tokio::select! {
                outcomes = channel.deliver(&sample) => panic!("{outcomes:?}"),
                _ = cli.wait_for(1) => {}
            }
        } else {
            let sample = sample.timeout(Duration::from_secs(2));
            channel.deliver(&sample).await;
        }
        channel.close().await;
        for process in &cli.calls()[0].processes {
            assert!(is_gone(*process).await, "{process} is left behind");
        }
    }
}

#[tokio::test]
async fn when_the_program_is_too_old_for_a_setting_the_outcome_says_so() {
    let cli = SignalCli::install(&[ME]).unwrap();
    let outcomes = deliver(&program(&cli, json!({"silent": true})), &Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Permanent);
    assert_eq!(outcomes[0].fault(), Some(Whose::Config));
    assert!(
        outcomes[0].raw().detail.contains("unrecognized"),
        "{outcomes:?}"
    );
    assert!(outcomes[0].raw().hint.contains("0.14"), "{outcomes:?}");
}

#[tokio::test]
async fn when_the_program_is_missing_it_is_the_configurations_fault() {
    let settings = json!({"user": ME, "recipient": ONE, "cli_path": "/nowhere/signal-cli"});
    let channel = open(&settings).await;
    let outcomes = channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Retry);
    assert_eq!(outcomes[0].fault(), Some(Whose::Config));
    assert!(outcomes[0].raw().hint.contains("cli_path"));
    assert!(!channel.check().await.is_ok());
    channel.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_fail_the_results_in_the_error_are_read() {
    for transport in 0..3 {
        let daemon = SignalDaemon::start(&[ME]).await.unwrap();
        daemon.refuse(ONE, Verdict::rate_limit(Some(60), Some("tok")));
        daemon.refuse(TWO, Verdict::of(ResultType::NetworkFailure));
        let rpc = [daemon.unix(), daemon.tcp(), daemon.http()][transport].clone();
        let channel = open(&over(&rpc, json!({"recipients": [TWO]}))).await;
        let outcomes = channel.deliver(&Sample::new("x")).await;
        assert_eq!(
            outcomes[0].wait(),
            Some(Duration::from_secs(60)),
            "{outcomes:?}"
        );
        assert!(outcomes[0].raw().hint.contains("--challenge tok"));
        assert_eq!(outcomes[1].fault(), Some(Whose::Network), "{outcomes:?}");
        assert!(daemon.messages().is_empty());
        channel.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_daemon_fails_the_outcome_says_so() {
    for transport in 0..3 {
        for (fault, class) in [
            (
                Fault::Die {
                    after_sending: true,
                },
                Class::Unknown,
            ),
            (
                Fault::Die {
                    after_sending: false,
                },
                Class::Unknown,
            ),
            (
                Fault::Garbage("{\"jsonrpc\":\"2.0\",\"id\":1}".to_owned()),
                Class::Unknown,
            ),
            (
                Fault::Error {
                    code: -32603,
                    message: "[429] (RateLimitException)".to_owned(),
                },
                Class::Unknown,
            ),
            (
                Fault::Error {
                    code: -1,
                    message: "Invalid".to_owned(),
                },
                Class::Permanent,
            ),
            (
                Fault::Error {
                    code: -32603,
                    message: "broken pipe".to_owned(),
                },
                Class::Retry,
            ),
            (Fault::OnlyTimestamp, Class::Delivered),
        ] {
            let daemon = SignalDaemon::start(&[ME]).await.unwrap();
            daemon.fault(fault.clone());
            let rpc = [daemon.unix(), daemon.tcp(), daemon.http()][transport].clone();
            let channel = open(&over(&rpc, json!({}))).await;
            let outcomes = channel.deliver(&Sample::new("x")).await;
            assert_eq!(outcomes[0].class(), class, "{rpc} {fault:?}: {outcomes:?}");
            // The next message finds a daemon that runs again.
            let outcomes = channel.deliver(&Sample::new("y")).await;
            assert_eq!(
                outcomes[0].class(),
                Class::Delivered,
                "{rpc} {fault:?}: {outcomes:?}"
            );
            channel.close().await;
        }
    }
}

#[tokio::test]
async fn when_the_daemon_never_answers_the_attempt_ends() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    daemon.fault(Fault::Hang { grandchild: false });
    let channel = open(&over(&daemon.tcp(), json!({}))).await;
    let sample = Sample::new("x").timeout(Duration::from_millis(300));
    let outcomes = channel.deliver(&sample).await;
    assert_eq!(outcomes[0].class(), Class::Unknown, "{outcomes:?}");
    channel.close().await;
}

#[tokio::test]
async fn when_the_account_or_the_daemon_is_unknown_the_hint_names_the_setting() {
    let daemon = SignalDaemon::start(&["+4999"]).await.unwrap();
    let channel = open(&over(&daemon.unix(), json!({}))).await;
    let outcomes = channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].fault(), Some(Whose::Config), "{outcomes:?}");
    assert!(outcomes[0].raw().hint.contains(ME), "{outcomes:?}");
    assert!(!channel.check().await.is_ok());
    channel.close().await;
    drop(daemon);

    let channel = open(&over("unix:/nowhere/socket", json!({}))).await;
    let outcomes = channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Retry, "{outcomes:?}");
    assert!(outcomes[0].raw().hint.contains("rpc"), "{outcomes:?}");
    channel.close().await;
}
