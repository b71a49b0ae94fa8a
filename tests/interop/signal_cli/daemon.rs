//! signal-cli's daemon over its three transports: it is reached, its answers
//! are matched, and its end is noticed.

use annunciator::{CheckStatus, Class, Fault};

use crate::{USER, engine, program::Daemon};

fn lines(rpc: &str) -> Vec<String> {
    vec![format!("rpc: {rpc}"), "recipient: +12025550199".to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_reaches_the_daemon_by_every_transport() {
    let daemon = Daemon::start().unwrap();
    for rpc in [daemon.unix(), daemon.tcp(), daemon.http()] {
        let (_rig, engine) = engine(&lines(&rpc)).await;
        let checks = engine.check(&["phone"]).await.unwrap();
        assert_eq!(checks[0].status, CheckStatus::Failed, "{rpc}");
        let expected = format!("signal-cli answers, but does not know {USER}");
        assert_eq!(checks[0].detail, expected, "{rpc}");
        assert!(checks[0].hint.contains("register"), "{}", checks[0].hint);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_at_once_have_each_its_answer_by_every_transport() {
    let daemon = Daemon::start().unwrap();
    for rpc in [daemon.unix(), daemon.tcp(), daemon.http()] {
        let (_rig, engine) = engine(&lines(&rpc)).await;
        let sends = (0..32).map(|number| {
            let engine = engine.clone();
            tokio::spawn(async move {
                engine
                    .notify_default(format!("number {number}").as_str())
                    .await
            })
        });
        for send in sends.collect::<Vec<_>>() {
            let report = send.await.unwrap().unwrap();
            let target = &report.channels()["phone"].targets[0];
            assert_eq!(
                (target.class, target.fault),
                (Class::Permanent, Fault::Config),
                "{target}"
            );
            assert_eq!(target.code, "-32602");
            assert!(
                target.detail.contains("Specified account does not exist"),
                "{target}"
            );
            assert!(target.hint.contains(USER), "{target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_daemon_goes_and_comes_back_the_next_message_finds_it() {
    let mut daemon = Daemon::start().unwrap();
    for pick in [Daemon::unix, Daemon::tcp, Daemon::http] {
        let (_rig, engine) = engine(&lines(&pick(&daemon))).await;
        let told = async || {
            let report = engine.notify_default("hello").await.unwrap();
            report.channels()["phone"].targets[0].clone()
        };
        assert_eq!(told().await.code, "-32602");
        daemon.stop();
        let mut gone = told().await;
        // A connection that was kept may still take what nobody reads.
        if gone.class == Class::Unknown {
            assert_eq!(gone.fault, Fault::Network, "{gone}");
            gone = told().await;
        }
        assert_eq!(
            (gone.class, gone.fault),
            (Class::Retry, Fault::Network),
            "{gone}"
        );
        daemon = daemon.restart().unwrap();
        let back = told().await;
        assert_eq!(back.code, "-32602", "{back}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_the_daemons_is_the_configurations_fault() {
    let daemon = Daemon::start().unwrap();
    let (_rig, engine) = engine(&lines(&format!("{}/api/v2/rpc", daemon.http()))).await;
    let report = engine.notify_default("hello").await.unwrap();
    let target = &report.channels()["phone"].targets[0];
    assert_eq!(
        (target.class, target.fault),
        (Class::Permanent, Fault::Config),
        "{target}"
    );
    assert_eq!(target.code, "HTTP 404");
}
