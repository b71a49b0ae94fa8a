//! One recipient of several is refused: it alone fails, and the class of its
//! failure is the server's.

use std::time::Duration;

use annunciator::{Class, Fault};

use crate::{
    engine, report,
    server::{Postfix, Setup},
    told,
};

const THREE: &str = "ops@example.test, oncall@example.test, third@example.test";

#[tokio::test(flavor = "multi_thread")]
async fn when_one_of_three_is_refused_the_others_have_the_mail() {
    let postfix = Setup::default()
        .access("oncall@example.test", "550 5.2.1 this mailbox is closed")
        .start()
        .unwrap();
    let report = report(&postfix.channel(THREE, &["smtp_tls: none"]), "disk is full").await;
    assert!(!report.delivered);
    let [ops, oncall, third] = &report.targets[..] else {
        panic!("{:?}", report.targets);
    };
    assert_eq!(oncall.class, Class::Permanent, "{oncall}");
    assert_eq!(oncall.fault, Fault::Recipient, "{oncall}");
    assert_eq!(oncall.code, "550 5.2.1");
    assert!(oncall.detail.contains("this mailbox is closed"), "{oncall}");
    assert_eq!(
        (ops.class, third.class),
        (Class::Delivered, Class::Delivered)
    );
    for mailbox in ["ops", "third"] {
        let mails = postfix.wait_for(mailbox, 1).unwrap();
        assert!(mails[0].text().contains("disk is full"));
    }
    assert!(postfix.mailbox("oncall").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_of_three_is_put_off_it_alone_is_to_be_tried_again() {
    let postfix = Setup::default()
        .access(
            "oncall@example.test",
            "450 4.7.1 greylisted, come back in 300 seconds",
        )
        .start()
        .unwrap();
    let report = report(&postfix.channel(THREE, &["smtp_tls: none"]), "disk is full").await;
    let [ops, oncall, third] = &report.targets[..] else {
        panic!("{:?}", report.targets);
    };
    assert_eq!(oncall.class, Class::Retry, "{oncall}");
    assert_eq!(oncall.code, "450 4.7.1");
    assert_eq!(oncall.retry_after, Some(Duration::from_secs(300)));
    assert_eq!(
        (ops.class, third.class),
        (Class::Delivered, Class::Delivered)
    );
    for mailbox in ["ops", "third"] {
        assert_eq!(postfix.wait_for(mailbox, 1).unwrap().len(), 1);
    }
    assert!(postfix.mailbox("oncall").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_recipient_is_unknown_it_is_the_recipients_fault() {
    let postfix = Postfix::start().unwrap();
    let yaml = postfix.channel("nobody-here@example.test", &["smtp_tls: none"]);
    let report = report(&yaml, "hello").await;
    let target = &report.targets[0];
    assert_eq!(
        (target.class, target.fault),
        (Class::Permanent, Fault::Recipient),
        "{target}"
    );
    assert_eq!(target.code, "550 5.1.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_does_not_relay_it_is_the_configurations_fault() {
    // Postfix's own default asks to come back; most operators refuse.
    for (rule, class, code) in [
        ("defer_unauth_destination", Class::Retry, "454 4.7.1"),
        ("reject_unauth_destination", Class::Permanent, "554 5.7.1"),
    ] {
        let postfix = Setup::default()
            .setting(&format!("smtpd_relay_restrictions = {rule}"))
            .start()
            .unwrap();
        let yaml = postfix.channel("somebody@elsewhere.test", &["smtp_tls: none"]);
        let report = report(&yaml, "hello").await;
        let target = &report.targets[0];
        assert_eq!(
            (target.class, target.fault),
            (class, Fault::Config),
            "{target}"
        );
        assert_eq!(target.code, code);
        assert!(target.hint.contains("relay"), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_has_recipients_enough_the_rest_follow_at_once() {
    let postfix = Setup::default()
        .setting("smtpd_recipient_limit = 2")
        .start()
        .unwrap();
    let five = ["ops", "oncall", "third", "fourth", "fifth"];
    let all = five.map(|name| format!("{name}@example.test")).join(", ");
    let report = report(&postfix.channel(&all, &["smtp_tls: none"]), "to all").await;
    assert!(report.delivered, "{:?}", report.targets);
    for mailbox in five {
        assert_eq!(postfix.wait_for(mailbox, 1).unwrap().len(), 1);
    }
    // Five, then three, then one of them asked for; two, two and one taken.
    let log = postfix.wait_for_log(": disconnect from").unwrap();
    assert!(log.contains("mail=3 rcpt=9 data=3"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_is_accepted_the_connection_serves_the_next_mail() {
    let postfix = Setup::default()
        .access("ops@example.test", "451 4.3.0 not now")
        .start()
        .unwrap();
    let (_rig, engine) = engine(&postfix.channel("ops@example.test", &["smtp_tls: none"])).await;
    for _ in 0..3 {
        let report = told(&engine, "hello").await;
        assert_eq!(report.targets[0].code, "451 4.3.0", "{}", report.targets[0]);
    }
    let log = postfix.wait_for_log_times("451 4.3.0", 3).unwrap();
    assert_eq!(log.matches(": connect from").count(), 1, "{log}");
    assert_eq!(log.matches("451 4.3.0").count(), 3, "{log}");
}
