//! Plugins that misbehave while they run: the host lives, the other channels
//! deliver, and the report says what happened.

use std::time::Duration;

use annunciator::{CheckStatus, Class, Engine, Fault, TargetReport};
use annunciator_testkit::rig::Rig;

async fn start(how: &str) -> Engine {
    start_with(how, "").await
}

/// In this process in any case, whose threads it is about.
async fn start_here(how: &str) -> Engine {
    start_with(how, ", isolation: none").await
}

async fn start_with(how: &str, options: &str) -> Engine {
    let rig = Rig::new(&["fixture-steady", "fixture-ill-behaved"]).unwrap();
    let yaml = format!(
        "notification_channels:
  good: {{type: steady}}
  bad: {{type: ill_behaved, how: {how}, delivery: {{timeout: 300ms{options}}}}}
default_notification_channels: [good, bad]
delivery: {{store: none}}
"
    );
    rig.start(&yaml).await.unwrap()
}

/// Tells both channels; the good one must deliver. Answers what the bad one
/// said.
async fn notify(engine: &Engine) -> TargetReport {
    let report = engine.notify_default("hello").await.unwrap();
    assert_eq!(report.results().get("good"), Some(&true));
    report.channels()["bad"].targets[0].clone()
}

async fn check(how: &str, class: Class, fault: Fault, says: &[&str]) {
    let engine = start(how).await;
    for _ in 0..2 {
        let said = notify(&engine).await;
        assert_eq!((said.class, said.fault), (class, fault), "{said}");
        for text in says {
            assert!(
                said.detail.contains(text),
                "no `{text}` in: {}",
                said.detail
            );
        }
    }
    let drained = engine.shutdown(Duration::from_secs(10)).await;
    assert_eq!(drained.abandoned, 0);
}

const FILE: &str = "libfixture_ill_behaved.so";

#[tokio::test]
async fn one_that_behaves() {
    check("not", Class::Delivered, Fault::None, &[]).await;
}

#[tokio::test]
async fn a_panic_in_open() {
    let says = [
        "the plugin panicked while it opened the channel",
        "src/lib.rs",
        "on purpose",
    ];
    check("panic_in_open", Class::Permanent, Fault::Plugin, &says).await;
}

#[tokio::test]
async fn a_panic_in_deliver_before_its_first_await() {
    let says = [
        "the plugin panicked while it delivered",
        "src/lib.rs",
        "on purpose",
    ];
    check("panic_before_await", Class::Unknown, Fault::Plugin, &says).await;
}

#[tokio::test]
async fn a_panic_in_deliver_after_its_first_await() {
    let says = ["the plugin panicked while it delivered", "on purpose"];
    check("panic_after_await", Class::Unknown, Fault::Plugin, &says).await;
}

#[tokio::test]
async fn a_panic_whose_payload_panics_again() {
    check(
        "panic_twice",
        Class::Unknown,
        Fault::Plugin,
        &["the plugin panicked"],
    )
    .await;
}

#[tokio::test]
async fn a_panic_in_a_task_of_its_own() {
    check("panic_in_task", Class::Delivered, Fault::None, &[]).await;
}

#[tokio::test]
async fn a_panic_in_close() {
    check("panic_in_close", Class::Delivered, Fault::None, &[]).await;
}

#[tokio::test]
async fn a_panic_in_drop() {
    check("panic_in_drop", Class::Delivered, Fault::None, &[]).await;
    // Without a close, too.
    drop(start("panic_in_drop").await);
}

#[tokio::test]
async fn a_panic_in_check() {
    let engine = start("panic_in_check").await;
    let checks = engine.check(&[]).await.unwrap();
    let bad = checks.iter().find(|check| check.channel == "bad").unwrap();
    assert_eq!(bad.status, CheckStatus::Failed);
    assert!(
        bad.detail.contains("the plugin panicked while it checked"),
        "{}",
        bad.detail
    );
    assert!(checks.iter().any(|check| check.status == CheckStatus::Ok));
}

#[tokio::test]
async fn one_that_never_answers() {
    let says = [FILE, "did not answer in time while it delivered"];
    check("never_answers", Class::Unknown, Fault::Remote, &says).await;
}

#[tokio::test]
async fn one_that_answers_after_its_deadline() {
    check(
        "answers_late",
        Class::Unknown,
        Fault::Remote,
        &["did not answer in time"],
    )
    .await;
}

/// On a runtime with a single thread, too: plugins have threads of their own.
#[tokio::test(flavor = "current_thread")]
async fn one_that_blocks_its_thread_in_a_poll() {
    let engine = start_here("blocks_its_thread").await;
    for _ in 0..8 {
        let said = notify(&engine).await;
        assert_eq!((said.class, said.fault), (Class::Unknown, Fault::Remote));
        assert!(said.detail.contains(FILE), "{}", said.detail);
    }
}

#[tokio::test]
async fn one_that_never_opens() {
    let engine = start("never_opens").await;
    let said = notify(&engine).await;
    assert_eq!((said.class, said.fault), (Class::Permanent, Fault::Plugin));
    assert!(
        said.detail
            .contains("did not answer in time while it opened the channel"),
        "{said}"
    );
}

#[tokio::test]
async fn one_that_never_closes() {
    check("never_closes", Class::Delivered, Fault::None, &[]).await;
}

#[tokio::test]
async fn one_that_answers_nothing() {
    let says = [FILE, "did not report an outcome"];
    check("answers_nothing", Class::Unknown, Fault::Plugin, &says).await;
}

#[tokio::test]
async fn one_that_answers_with_empty_texts() {
    let says = ["the plugin gave no reason"];
    check(
        "answers_empty_texts",
        Class::Permanent,
        Fault::Remote,
        &says,
    )
    .await;
}

#[tokio::test]
async fn one_that_answers_with_far_too_many_outcomes() {
    let engine = start("answers_too_much").await;
    let report = engine.notify_default("hello").await.unwrap();
    assert_eq!(report.channels()["bad"].targets.len(), 10_000);
}

#[tokio::test]
async fn a_panic_while_settings_are_checked() {
    let rig = Rig::new(&["fixture-ill-behaved"]).unwrap();
    let yaml = "notification_channels:\n  bad: {type: ill_behaved, how: panic_in_validate}\n";
    let said = rig.problems(yaml).unwrap();
    assert!(
        said.starts_with(
            "heartbeat.yaml:2:3: error: channel bad: the plugin panicked while it checked this"
        ),
        "{said}"
    );
}

/// A channel that blocks every thread it gets is not given all of them.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_blocks_many_threads_is_no_longer_called() {
    let engine = start_here("blocks_its_thread").await;
    let notifying = (0..40).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.notify_default("hello").await.unwrap() })
    });
    for notified in notifying.collect::<Vec<_>>() {
        assert_eq!(notified.await.unwrap().results().get("good"), Some(&true));
    }
    let mut said = notify(&engine).await;
    while said.class != Class::Retry {
        said = notify(&engine).await;
    }
    assert_eq!(said.fault, Fault::Plugin, "{said}");
    assert!(
        said.detail.contains("blocks 16 threads and is not called"),
        "{said}"
    );
}
