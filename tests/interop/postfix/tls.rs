//! Encrypted lines: Postfix's own Received header proves that a mail came
//! over TLS, its empty mailbox that none came in clear.

use annunciator::{ChannelReport, Class, Fault};
use annunciator_testkit::smtp::Certificate;

use crate::{
    report,
    server::{Postfix, Setup},
};

async fn sent(postfix: &Postfix, more: &[&str]) -> ChannelReport {
    report(&postfix.channel("ops@example.test", more), "over a line").await
}

fn ca_of(postfix: &Postfix) -> String {
    format!("tls_ca_file: {}", postfix.file("ca.pem").display())
}

fn refused(postfix: &Postfix, report: &ChannelReport, said: &str) {
    let target = &report.targets[0];
    assert_eq!(
        (target.class, target.fault),
        (Class::Permanent, Fault::Config),
        "{target}"
    );
    assert!(target.to_string().contains(said), "{target}");
    assert!(postfix.mailbox("ops").is_empty());
    let log = postfix.log();
    assert!(
        !log.contains("client=") && !log.contains("from=<heartbeat"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_over_starttls_to_a_server_whose_authority_is_trusted() {
    for version in ["TLSv1.2", "TLSv1.3"] {
        let postfix = Setup::default()
            .starttls(Certificate::Good)
            .setting(&format!("smtpd_tls_mandatory_protocols = {version}"))
            .setting("smtpd_tls_security_level = encrypt")
            .start()
            .unwrap();
        let report = sent(&postfix, &[&ca_of(&postfix)]).await;
        assert!(report.delivered, "{:?}", report.targets);
        let mails = postfix.wait_for("ops", 1).unwrap();
        let received = mails[0].header("Received");
        assert!(received.contains("with ESMTPS"), "{received}");
        assert!(received.contains(version), "{received}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_over_tls_from_the_first_byte() {
    let postfix = Setup::default().implicit_tls().start().unwrap();
    let report = sent(&postfix, &["smtp_tls: tls", &ca_of(&postfix)]).await;
    assert!(report.delivered, "{:?}", report.targets);
    let mails = postfix.wait_for("ops", 1).unwrap();
    assert!(mails[0].header("Received").contains("with ESMTPS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_a_client_certificate_gets_it() {
    let postfix = Setup::default()
        .starttls(Certificate::Good)
        .setting("smtpd_tls_security_level = encrypt")
        .setting("smtpd_tls_req_ccert = yes")
        .start()
        .unwrap();
    let cert = format!("tls_client_cert: {}", postfix.file("client.pem").display());
    let key = format!("tls_client_key: {}", postfix.file("client.key").display());
    let report = sent(&postfix, &[&ca_of(&postfix), &cert, &key]).await;
    assert!(report.delivered, "{:?}", report.targets);
    postfix
        .wait_for_log("Trusted TLS connection established")
        .unwrap();

    let without = sent(&postfix, &[&ca_of(&postfix)]).await;
    assert!(!without.delivered);
    assert_eq!(postfix.wait_for("ops", 1).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let postfix = Setup::default()
        .starttls(Certificate::Good)
        .start()
        .unwrap();
    refused(&postfix, &sent(&postfix, &[]).await, "tls_ca_file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_refused() {
    let postfix = Setup::default()
        .starttls(Certificate::WrongName)
        .start()
        .unwrap();
    let report = sent(&postfix, &[&ca_of(&postfix)]).await;
    refused(&postfix, &report, "certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_expired_is_refused() {
    let postfix = Setup::default()
        .starttls(Certificate::Expired)
        .start()
        .unwrap();
    let report = sent(&postfix, &[&ca_of(&postfix)]).await;
    refused(&postfix, &report, "certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_starttls_nothing_is_sent_in_clear() {
    let postfix = Postfix::start().unwrap();
    refused(
        &postfix,
        &sent(&postfix, &[]).await,
        "does not offer STARTTLS",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_of_port_is_named() {
    let implicit = Setup::default().implicit_tls().start().unwrap();
    let report = sent(&implicit, &["connect_timeout: 5", &ca_of(&implicit)]).await;
    refused(&implicit, &report, "smtp_tls: tls");
    let starttls = Setup::default()
        .starttls(Certificate::Good)
        .start()
        .unwrap();
    let report = sent(&starttls, &["smtp_tls: tls", &ca_of(&starttls)]).await;
    refused(&starttls, &report, "smtp_tls: starttls");
}
