//! From the notification to the mailbox: what the reader finds is what was
//! sent, whatever the text.

use annunciator::{Notification, Severity};
use annunciator_testkit::{artefacts::executable, rig::Rig};
use annunciator_tests::hbd::run;
use serde_json::Value;

use crate::{
    engine, report,
    server::{Postfix, Setup},
    told,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_hbd_ends_in_a_mailbox() {
    let postfix = Postfix::start().unwrap();
    let rig = Rig::new(&["annunciator-email"]).unwrap();
    let _builder = rig
        .configured(&postfix.channel("ops@example.test", &["smtp_tls: none"]))
        .unwrap();
    let (file, plugins) = (
        rig.file().display().to_string(),
        rig.plugins().display().to_string(),
    );
    let sent = tokio::task::spawn_blocking(move || {
        let args = [
            "--config",
            &file,
            "--plugin-dir",
            &plugins,
            "send",
            "--default",
            "--title",
        ];
        let more = [
            "Platte voll 🚨",
            "--severity",
            "critical",
            "--json",
            "95 % belegt: ünïcode",
        ];
        run(&executable("hbd").unwrap(), &[], args.iter().chain(&more)).unwrap()
    })
    .await
    .unwrap();
    assert_eq!(sent.status, 0, "{}{}", sent.out, sent.err);
    let answer: Value = serde_json::from_str(&sent.out).unwrap();
    let target = &answer["channels"]["mail"]["targets"][0];

    let mails = postfix.wait_for("ops", 1).unwrap();
    let mail = &mails[0];
    assert!(
        mail.subject().contains("Platte voll 🚨"),
        "{}",
        mail.subject()
    );
    assert!(
        mail.text().contains("95 % belegt: ünïcode"),
        "{}",
        mail.text()
    );
    assert_eq!(mail.header("From"), "Heartbeat <heartbeat@example.test>");
    assert_eq!(mail.header("To"), "ops@example.test");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Return-Path"), "<heartbeat@example.test>");
    let id = mail.header("Message-ID");
    assert!(
        id.contains(target["remote_id"].as_str().unwrap()),
        "{id} {target}"
    );
    assert!(!mail.header("Date").is_empty());
    assert!(
        mail.header("Content-Type")
            .starts_with("multipart/alternative")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_arrives_as_it_was() {
    let postfix = Postfix::start().unwrap();
    let (_rig, engine) = engine(&postfix.channel("ops@example.test", &["smtp_tls: none"])).await;
    let endless = "x".repeat(5000);
    let texts = [
        ".\n..\n.hidden\nQUIT",
        "From me to you\nFrom: nobody@example.test\n\nend",
        "トラブル 🚨 \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f466} ünïcode",
        "trailing spaces   \nand a tab\t\n= equals =3D",
        &endless,
    ];
    for (number, text) in texts.into_iter().enumerate() {
        let title = format!("number {number}\r\nBcc: third@example.test");
        let report = told(&engine, Notification::new(text).title(title)).await;
        assert!(report.delivered, "{:?}", report.targets);
        let mails = postfix.wait_for("ops", number + 1).unwrap();
        let mail = mails
            .iter()
            .find(|mail| mail.subject().contains(&format!("number {number}")))
            .unwrap();
        let arrived = mail.text().replace("\r\n", "\n");
        assert!(arrived.starts_with(text), "{arrived:?} instead of {text:?}");
        assert_eq!(mail.header("Bcc"), "");
    }
    assert!(postfix.mailbox("third").is_empty());
    let log = postfix.log();
    assert_eq!(log.matches(": connect from").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_go_to_their_mailboxes_and_hidden_ones_stay_hidden() {
    let postfix = Postfix::start().unwrap();
    let yaml = postfix.channel(
        "Ops Team <ops@example.test>",
        &[
            "smtp_tls: none",
            "cc: [oncall@example.test]",
            "bcc: [third@example.test]",
        ],
    );
    let report = report(
        &yaml,
        Notification::new("hello").severity(Severity::Warning),
    )
    .await;
    assert!(report.delivered, "{:?}", report.targets);
    for mailbox in ["ops", "oncall", "third"] {
        let mails = postfix.wait_for(mailbox, 1).unwrap();
        assert_eq!(mails[0].header("Cc"), "oncall@example.test");
        let (headers, _) = std::str::from_utf8(&mails[0].0)
            .unwrap()
            .split_once("\nSubject")
            .unwrap();
        assert_eq!(headers.contains("third@"), mailbox == "third", "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_that_the_server_closed_costs_no_mail() {
    let postfix = Setup::default()
        .setting("smtpd_timeout = 1s")
        .start()
        .unwrap();
    let (_rig, engine) = engine(&postfix.channel("ops@example.test", &["smtp_tls: none"])).await;
    assert!(told(&engine, "first").await.delivered);
    postfix.wait_for_log("timeout after").unwrap();
    let second = told(&engine, "second").await;
    assert!(second.delivered, "{:?}", second.targets);
    assert_eq!(postfix.wait_for("ops", 2).unwrap().len(), 2);
    let log = postfix.wait_for_log_times(": connect from", 2).unwrap();
    assert_eq!(log.matches(": connect from").count(), 2, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_beyond_ascii_is_sent_by_smtputf8() {
    let postfix = Setup::default()
        .setting("smtputf8_enable = yes")
        .setting("virtual_alias_maps = inline:{ {überwachung@example.test = ops@example.test} }")
        .start()
        .unwrap();
    let yaml = postfix.channel("überwachung@example.test", &["smtp_tls: none"]);
    let report = report(&yaml, "hello").await;
    assert!(report.delivered, "{:?}\n{}", report.targets, postfix.log());
    let mails = postfix.wait_for("ops", 1).unwrap();
    assert!(
        mails[0].header("Received").contains("UTF8SMTP"),
        "{}",
        mails[0].header("Received")
    );
}
