//! Hostile texts: whatever a notification contains, its email is well-formed and has the same text.

use crate::support::{open, settings, with};
use annunciator_sdk::{Class, testing::Sample};
use annunciator_testkit::smtp::SmtpServer;
use proptest::{
    prelude::{Strategy, any},
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::json;

/// Generates texts of the kind that breaks emails: dots, line ends of every kind, words that look
/// like headers, control characters, and any Unicode.
fn text() -> impl Strategy<Value = String> {
    let piece = proptest::prop_oneof![
        any::<String>(),
        "[ -~]{0,1200}",
        "(\r|\n|\r\n|\\.|\t|\0|\u{85}|\u{2028}){1,6}",
        "(Bcc: x@example.com|\\.|=\\?utf-8\\?q\\?=41\\?=|--b|From )(\r\n)?",
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Returns what a text part keeps of a message: no control characters, and one kind of line end.
fn kept(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let clean = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    unified
        .chars()
        .filter(clean)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

#[test]
fn when_any_text_comes_the_mail_is_well_formed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, channel) = runtime.block_on(async {
        let server = SmtpServer::start().await.unwrap();
        let subject = json!({"subject": "{title} {host} {incident}", "headers": {"X-A": "ü"}});
        let channel = open(&with(settings(&server), subject)).await;
        (server, channel)
    });
    let mut runner = TestRunner::new(Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    });
    let texts = (text(), text(), text(), text(), text());
    let done = runner.run(&texts, |(body, title, host, incident, id)| {
        let sample = Sample::new(&body)
            .title(&title)
            .host(&host)
            .incident(&incident)
            .id(&id);
        let outcomes = runtime.block_on(channel.deliver(&sample));
        let violations = server.violations();
        if outcomes[0].class() != Class::Delivered || !violations.is_empty() {
            return Err(TestCaseError::fail(format!("{outcomes:?} {violations:?}")));
        }
        let mails = server.messages();
        let mail = &mails[mails.len() - 1];
        let arrived = mail.text().replace("\r\n", "\n").trim_end().to_owned();
        proptest::prop_assert_eq!(arrived, kept(&body));
        proptest::prop_assert_eq!(&mail.recipients, &["ops@example.com"]);
        proptest::prop_assert_eq!(mail.raw_headers("Bcc").len(), 0);
        Ok(())
    });
    if let Err(error) = done {
        panic!("{error}");
    }
    runtime.block_on(channel.close());
}
