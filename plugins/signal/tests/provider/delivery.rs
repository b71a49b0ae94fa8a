//! Messages that arrive, by the program and by the daemon: who gets them, and what each outcome
//! says.

use std::time::Duration;

use crate::support::{GROUP, ME, ONE, TWO, deliver, open, over, program};
use annunciator_sdk::{Class, Fault as Whose, testing::Sample};
use annunciator_testkit::signal::{ResultType, SignalCli, SignalDaemon, Verdict};
use serde_json::json;

#[tokio::test]
async fn when_all_is_well_the_text_goes_to_standard_input() {
    let cli = SignalCli::install(&[ME]).unwrap();
    cli.change(|script| script.newer = true).unwrap();
    cli.group(GROUP, &[("+4911", Verdict::default())]).unwrap();
    let more = json!({
        "recipients": [TWO, ONE, "u:bob.01"], "usernames": ["alice.02"], "groups": [GROUP],
        "note_to_self": true, "silent": true, "styled": true,
    });
    let body = "-m evil\n\"quoted\" $HOME héllo 🔥\r\nend\0";
    let outcomes = deliver(&program(&cli, more), &Sample::new(body).title("Tïtle 🔥")).await;
    let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.target()).collect();
    let group = format!("group:{GROUP}");
    assert_eq!(
        names,
        [ONE, TWO, "u:bob.01", "u:alice.02", "note-to-self", &group]
    );
    assert!(
        outcomes.iter().all(|o| o.class() == Class::Delivered),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[0].raw().remote_id.as_str(), "1767323045123");
    assert!(outcomes[0].raw().notes[0].contains("control characters"));

    let calls = cli.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        calls[0].stdin,
        "Tïtle 🔥\n\n-m evil\n\"quoted\" $HOME héllo 🔥\nend"
    );
    assert_eq!(calls[0].locale, "C.UTF-8");
    assert_eq!(
        calls[0].arguments,
        [
            "-a",
            ME,
            "-o",
            "json",
            "send",
            "--message-from-stdin",
            "--note-to-self",
            "--no-urgent",
            ONE,
            TWO,
            "u:bob.01",
            "-u",
            "alice.02",
            "--text-style",
            "0:8:BOLD",
        ]
    );
    assert_eq!(calls[1].send.as_ref().unwrap().groups, [GROUP]);
    assert_eq!(cli.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn when_one_fails_the_others_have_it() {
    use ResultType::{
        IdentityFailure, InvalidPreKeyFailure, NetworkFailure, RateLimitFailure,
        UnregisteredFailure,
    };
    for (verdict, class, whose, hint) in [
        (
            Verdict::of(NetworkFailure),
            Class::Retry,
            Whose::Network,
            "network",
        ),
        (
            Verdict::of(UnregisteredFailure),
            Class::Permanent,
            Whose::Recipient,
            "number",
        ),
        (
            Verdict::of(IdentityFailure),
            Class::Permanent,
            Whose::Recipient,
            "trust -v SAFETY_NUMBER +12025550002",
        ),
        (
            Verdict::of(InvalidPreKeyFailure),
            Class::Retry,
            Whose::Remote,
            "a retry may succeed",
        ),
        (
            Verdict::of(RateLimitFailure),
            Class::Retry,
            Whose::Remote,
            "one group",
        ),
        (
            Verdict::rate_limit(Some(86400), Some("t-1")),
            Class::Retry,
            Whose::Remote,
            "--challenge t-1",
        ),
    ] {
        // Alone, the same result comes with the exit status of a failure.
        for alone in [false, true] {
            let cli = SignalCli::install(&[ME]).unwrap();
            cli.refuse(TWO, verdict.clone()).unwrap();
            let channel = open(&program(&cli, json!({"recipients": [TWO]}))).await;
            let sample = match alone {
                false => Sample::new("x"),
                true => Sample::new("x").again(2, &[TWO]),
            };
            let mut outcomes = channel.deliver(&sample).await;
            let failed = outcomes.pop().unwrap();
            assert_eq!(failed.target(), TWO);
            assert_eq!(failed.class(), class, "{verdict:?}: {failed:?}");
            assert_eq!(failed.fault(), Some(whose), "{verdict:?}");
            assert!(failed.raw().hint.contains(hint), "{verdict:?}: {failed:?}");
            let waits = verdict.retry_after_seconds.map(Duration::from_secs);
            assert!(waits.is_none() || failed.wait() == waits, "{failed:?}");
            assert!(outcomes.iter().all(|o| o.class() == Class::Delivered));
            assert_eq!(outcomes.len(), usize::from(!alone));
            channel.close().await;
        }
    }
}

#[tokio::test]
async fn when_some_of_a_group_fail_it_is_delivered_with_notes() {
    let identity = Verdict::of(ResultType::IdentityFailure);
    let network = Verdict::of(ResultType::NetworkFailure);
    for (members, class) in [
        (
            vec![("+4911", Verdict::default()), ("+4922", identity.clone())],
            Class::Delivered,
        ),
        (
            vec![("+4911", identity.clone()), ("+4922", network)],
            Class::Retry,
        ),
        (vec![("+4911", identity)], Class::Permanent),
        (vec![], Class::Delivered),
    ] {
        let cli = SignalCli::install(&[ME]).unwrap();
        cli.group(GROUP, &members).unwrap();
        let more = json!({"recipient": null, "groups": [GROUP]});
        let outcomes = deliver(&program(&cli, more), &Sample::new("x")).await;
        assert_eq!(outcomes.len(), 1);
        assert_eq!(outcomes[0].class(), class, "{outcomes:?}");
        if class == Class::Delivered {
            let note = outcomes[0].raw().notes[0].as_str();
            assert!(
                note.contains("trust") || note.contains("no other members"),
                "{note}"
            );
        }
    }
}

#[tokio::test]
async fn when_checked_it_says_whether_the_account_is_known() {
    let cli = SignalCli::install(&[ME]).unwrap();
    let channel = open(&program(&cli, json!({}))).await;
    let check = channel.check().await;
    assert!(check.is_ok(), "{check:?}");
    cli.change(|script| script.accounts.clear()).unwrap();
    let check = channel.check().await;
    assert!(!check.is_ok());
    assert!(check.raw().hint.contains("register"), "{check:?}");
    let outcomes = channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].fault(), Some(Whose::Config), "{outcomes:?}");
    channel.close().await;
    assert!(cli.calls().iter().all(|call| !call.sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_is_well_each_transport_delivers() {
    let daemon = SignalDaemon::start(&[ME, "+4999"]).await.unwrap();
    daemon.group(GROUP, &[("+4911", Verdict::default())]);
    for (index, rpc) in [daemon.unix(), daemon.tcp(), daemon.http()]
        .iter()
        .enumerate()
    {
        let more = json!({
            "recipients": [TWO], "groups": [GROUP], "note_to_self": true, "notify_self": true,
            "styled": true, "silent": true,
        });
        let channel = open(&over(rpc, more)).await;
        let check = channel.check().await;
        assert!(check.is_ok(), "{rpc}: {check:?}");
        let outcomes = channel
            .deliver(&Sample::new("héllo\nworld").title("T"))
            .await;
        assert_eq!(outcomes.len(), 4);
        assert!(
            outcomes.iter().all(|o| o.class() == Class::Delivered),
            "{rpc}: {outcomes:?}"
        );
        let sent = daemon.wait_for(2 * (index + 1)).await;
        let last = &sent[2 * index];
        assert_eq!(last.recipients, [ONE, TWO]);
        assert_eq!(last.message, "T\n\nhéllo\nworld");
        assert_eq!(last.text_styles, ["0:1:BOLD"]);
        assert!(last.note_to_self && last.notify_self && last.no_urgent);
        assert_eq!(sent[2 * index + 1].groups, [GROUP]);
        channel.close().await;
    }
    // Each client begins its IDs anew, which is correct on a connection of its own.
    let violations = daemon.violations();
    assert!(
        violations.iter().all(|v| v.starts_with("the id")),
        "{violations:?}"
    );
}

#[tokio::test]
async fn when_answers_come_in_any_order_each_finds_its_request() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    daemon.shuffle(4);
    daemon.chatter();
    daemon.refuse(TWO, Verdict::of(ResultType::UnregisteredFailure));
    let channel = open(&over(&daemon.unix(), json!({"recipients": [TWO]}))).await;
    let (one, two) = (
        Sample::new("1").again(1, &[ONE]),
        Sample::new("2").again(1, &[TWO]),
    );
    let (a, b, c, d) = tokio::join!(
        channel.deliver(&one),
        channel.deliver(&two),
        channel.deliver(&one),
        channel.deliver(&two),
    );
    for (outcomes, target, class) in [
        (a, ONE, Class::Delivered),
        (b, TWO, Class::Permanent),
        (c, ONE, Class::Delivered),
        (d, TWO, Class::Permanent),
    ] {
        assert_eq!(outcomes[0].target(), target);
        assert_eq!(outcomes[0].class(), class, "{outcomes:?}");
    }
    assert_eq!(daemon.violations(), Vec::<String>::new());
    channel.close().await;
}
