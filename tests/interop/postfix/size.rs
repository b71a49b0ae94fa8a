//! Mails that are larger than Postfix takes: cut where it says so beforehand,
//! refused where it doesn't.

use annunciator::{Class, Fault};

use crate::{report, server::Setup};

fn long() -> String {
    "0123456789 ünïcode line\n".repeat(8000)
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_says_how_much_it_takes_the_mail_is_cut_to_fit() {
    let postfix = Setup::default()
        .setting("message_size_limit = 20000")
        .start()
        .unwrap();
    let yaml = postfix.channel("ops@example.test", &["smtp_tls: none"]);
    let report = report(&yaml, long().as_str()).await;
    assert!(report.delivered, "{:?}", report.targets);
    let notes = report.targets[0].notes.join(" ");
    assert!(notes.contains("cut"), "{notes}");
    let mails = postfix.wait_for("ops", 1).unwrap();
    let text = mails[0].text();
    assert!(text.starts_with("0123456789 ünïcode line"), "{text}");
    assert!(mails[0].0.len() > 10_000, "{}", mails[0].0.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_not_even_the_headers_fit_the_message_is_at_fault() {
    let postfix = Setup::default()
        .setting("message_size_limit = 200")
        .start()
        .unwrap();
    let yaml = postfix.channel("ops@example.test", &["smtp_tls: none"]);
    let report = report(&yaml, "hello").await;
    let target = &report.targets[0];
    assert_eq!(
        (target.class, target.fault),
        (Class::Permanent, Fault::Message),
        "{target}"
    );
    assert!(target.detail.contains("200"), "{target}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_hides_its_limit_it_refuses_the_mail_at_the_end() {
    let postfix = Setup::default()
        .setting("message_size_limit = 20000")
        .setting("smtpd_discard_ehlo_keywords = size")
        .start()
        .unwrap();
    let yaml = postfix.channel("ops@example.test, oncall@example.test", &["smtp_tls: none"]);
    let report = report(&yaml, long().as_str()).await;
    for target in &report.targets {
        assert_eq!(
            (target.class, target.fault),
            (Class::Permanent, Fault::Message),
            "{target}"
        );
        assert_eq!(target.code, "552 5.3.4");
    }
    assert!(postfix.mailbox("ops").is_empty());
}
