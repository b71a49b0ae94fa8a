//! The email channel against Postfix's `smtp-sink`, which fails at the
//! command that it is told: the class of each failure, and which of them
//! leave it open whether the mail was taken.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod sink;

use annunciator::{ChannelReport, Class, Fault};
use annunciator_testkit::rig::Rig;

use sink::Sink;

/// What one notification to this sink came to.
async fn sent(sink: &Sink, more: &str) -> ChannelReport {
    let rig = Rig::new(&["annunciator-email"]).unwrap();
    let engine = rig.start(&sink.channel(more)).await.unwrap();
    let report = engine.notify_default("disk is full").await.unwrap();
    report.channels()["mail"].clone()
}

/// The class, fault and code of every recipient, which must all be the same.
async fn verdict(flags: &[&str]) -> (Class, Fault, String) {
    let sink = Sink::start(flags).unwrap();
    let report = sent(&sink, "").await;
    let first = &report.targets[0];
    let second = &report.targets[1];
    let of = |target: &annunciator::TargetReport| (target.class, target.fault, target.code.clone());
    assert_eq!(of(first), of(second), "{flags:?}: {first}\n{second}");
    if first.class != Class::Delivered {
        // A hint follows only from words that say what is wrong.
        assert!(!first.detail.is_empty(), "{flags:?}: {first}");
    }
    of(first)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_and_dumped_whole() {
    let sink = Sink::start(&[]).unwrap();
    let report = sent(&sink, "").await;
    assert!(report.delivered, "{:?}", report.targets);
    let dump = sink.wait_for_dump("disk is full").unwrap();
    for line in [
        "X-Mail-Args: <heartbeat@example.test>",
        "X-Rcpt-Args: <ops@example.test>",
        "X-Rcpt-Args: <oncall@example.test>",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(dump.contains(line), "{line} is missing:\n{}", dump);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_line_is_lost_at_the_dot_nobody_knows() {
    let (class, fault, code) = verdict(&["-q", "."]).await;
    assert_eq!(
        (class, fault, code.as_str()),
        (Class::Unknown, Fault::Network, "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_leaves_at_the_dot_with_a_word_it_did_not_take_the_mail() {
    let (class, fault, code) = verdict(&["-Q", "."]).await;
    assert_eq!((class, fault), (Class::Retry, Fault::Remote));
    assert!(code.starts_with("421"), "{code}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_line_is_lost_before_the_dot_it_is_worth_another_try() {
    for command in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"] {
        for flag in ["-q", "-Q"] {
            let (class, _, _) = verdict(&[flag, command]).await;
            assert_eq!(class, Class::Retry, "{flag} {command}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_failure_of_any_command_is_worth_another_try() {
    for command in ["MAIL", "RCPT", "DATA", "."] {
        let (class, fault, code) = verdict(&["-r", command]).await;
        assert_eq!((class, fault), (Class::Retry, Fault::Remote), "{command}");
        assert_eq!(code, "450 4.3.0", "{command}");
    }
    let (class, _, code) = verdict(&["-b", "451 4.7.1 come back later", "-r", "RCPT"]).await;
    assert_eq!((class, code.as_str()), (Class::Retry, "451 4.7.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_failure_of_any_command_stays() {
    for (command, fault) in [
        ("MAIL", Fault::Config),
        ("RCPT", Fault::Recipient),
        ("DATA", Fault::Message),
        (".", Fault::Message),
    ] {
        let (class, whose, code) = verdict(&["-f", command]).await;
        assert_eq!((class, whose), (Class::Permanent, fault), "{command}");
        assert_eq!(code, "500 5.3.0", "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_hard_failure_say_whose_fault_it_is() {
    for (command, reply, fault) in [
        ("CONNECT", "554 5.7.1 you are on a list", Fault::Remote),
        ("RCPT", "550 5.1.1 no such user", Fault::Recipient),
        ("RCPT", "554 5.7.1 relay access denied", Fault::Config),
        (".", "552 5.3.4 too much", Fault::Message),
        (".", "550 5.7.1 this is spam", Fault::Message),
    ] {
        let (class, whose, code) = verdict(&["-B", reply, "-f", command]).await;
        assert_eq!((class, whose), (Class::Permanent, fault), "{reply}");
        assert!(
            reply.starts_with(&code) && !code.is_empty(),
            "{reply}: {code}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_old_kind_gets_its_mail_too() {
    for flags in [&["-p"][..], &["-8", "-E", "-p"], &["-e"]] {
        let (class, ..) = verdict(flags).await;
        assert_eq!(class, Class::Delivered, "{flags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_is_waited_for() {
    let (class, ..) = verdict(&["-w", "1"]).await;
    assert_eq!(class, Class::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_slower_than_the_limit_is_given_up() {
    // At RCPT no mail was sent yet; at the dot everything was.
    for (flags, class) in [
        (["-W", "RCPT:20"], Class::Retry),
        (["-W", ".:20"], Class::Unknown),
    ] {
        let sink = Sink::start(&flags).unwrap();
        let report = sent(&sink, "    command_timeout: 1\n    data_timeout: 1\n").await;
        for target in &report.targets {
            assert_eq!(
                (target.class, target.fault),
                (class, Fault::Network),
                "{target}"
            );
            assert!(target.detail.contains("in time"), "{target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_quit_fails_the_mail_is_delivered_all_the_same() {
    for flags in [["-q", "QUIT"], ["-f", "QUIT"], ["-Q", "QUIT"]] {
        let (class, ..) = verdict(&flags).await;
        assert_eq!(class, Class::Delivered, "{flags:?}");
    }
}
