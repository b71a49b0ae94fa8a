//! Logins, which Postfix hands to Cyrus SASL: a wrong password is tried once
//! and no more, since repeated tries lock accounts.

use annunciator::{CheckStatus, Class, Fault};
use annunciator_testkit::smtp::Certificate;

use crate::{
    engine, report,
    server::{Postfix, Setup},
    told,
};

const USER: &str = "heartbeat";
const PASSWORD: &str = "grüße mit Leerzeichen #1";
const REFUSED: &str = "authentication failed";

fn start() -> Postfix {
    Setup::default()
        .starttls(Certificate::Good)
        .login(USER, PASSWORD)
        .start()
        .unwrap()
}

fn channel(postfix: &Postfix, password: &str, method: &str) -> String {
    let ca = format!("tls_ca_file: {}", postfix.file("ca.pem").display());
    let user = format!("smtp_user: {USER}");
    let password = format!("smtp_password: \"{password}\"");
    let method = format!("smtp_auth: {method}");
    postfix.channel("ops@example.test", &[&ca, &user, &password, &method])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_is_accepted_by_every_mechanism() {
    let postfix = start();
    for (number, (method, mechanism)) in [("auto", "PLAIN"), ("plain", "PLAIN"), ("login", "LOGIN")]
        .into_iter()
        .enumerate()
    {
        let report = report(&channel(&postfix, PASSWORD, method), "after a login").await;
        assert!(report.delivered, "{:?}\n{}", report.targets, postfix.log());
        let mails = postfix.wait_for("ops", number + 1).unwrap();
        let received = mails[number].header("Received");
        assert!(received.contains("with ESMTPSA"), "{received}");
        let method = format!("sasl_method={mechanism}");
        postfix.wait_for_log(&method).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_and_never_shown() {
    let postfix = start();
    let (_rig, engine) = engine(&channel(&postfix, "wr0ng-canary", "auto")).await;
    for _ in 0..3 {
        let report = told(&engine, "hello").await;
        let target = &report.targets[0];
        assert_eq!(
            (target.class, target.fault),
            (Class::Permanent, Fault::Config),
            "{target}"
        );
        assert_eq!(target.code, "535 5.7.8");
        assert!(target.hint.contains("smtp_password"), "{target}");
        assert!(!format!("{report:?}").contains("wr0ng-canary"));
    }
    let log = postfix.wait_for_log(REFUSED).unwrap();
    assert_eq!(log.matches(REFUSED).count(), 1, "{log}");
    assert!(postfix.mailbox("ops").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_logs_in_and_sends_nothing() {
    let postfix = start();
    for (password, expected) in [(PASSWORD, CheckStatus::Ok), ("wrong", CheckStatus::Failed)] {
        let (_rig, engine) = engine(&channel(&postfix, password, "auto")).await;
        let checks = engine.check(&["mail"]).await.unwrap();
        assert_eq!(checks[0].status, expected, "{:?}", checks[0]);
    }
    assert!(postfix.mailbox("ops").is_empty());
    let log = postfix.log();
    assert!(!log.contains("from=<heartbeat"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_login_the_server_says_that_it_wants_one() {
    let postfix = start();
    let ca = format!("tls_ca_file: {}", postfix.file("ca.pem").display());
    let report = report(&postfix.channel("ops@example.test", &[&ca]), "hello").await;
    let target = &report.targets[0];
    assert_eq!(target.class, Class::Permanent, "{target}");
    assert!(target.code.starts_with("554 5.7.1"), "{target}");
    assert!(postfix.mailbox("ops").is_empty());
}
