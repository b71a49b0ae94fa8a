//! Channels in processes of their own: whatever a plugin does, the host and every
//! other channel go on, and the report says what happened.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use annunciator::{Class, Engine, Fault, TargetReport, worker::WorkerProgram};
use annunciator_testkit::rig::{Rig, worker};

fn yaml(how: &str) -> String {
    format!(
        "notification_channels:
  good: {{type: steady, delivery: {{isolation: none}}}}
  bad: {{type: ill_behaved, how: {how}, delivery: {{timeout: 5s, isolation: process}}}}
default_notification_channels: [good, bad]
delivery: {{store: none}}
"
    )
}

fn rig() -> Rig {
    Rig::new(&["fixture-steady", "fixture-ill-behaved"]).unwrap()
}

async fn start_with(yaml: &str, worker: WorkerProgram) -> Engine {
    let rig = rig();
    let builder = rig.configured(yaml).unwrap();
    builder.worker(worker).start().await.unwrap()
}

async fn start(how: &str) -> Engine {
    start_with(&yaml(how), worker().unwrap()).await
}

/// Tells both channels; the good one must deliver. Answers what the bad one said.
async fn tell(engine: &Engine, text: &str) -> TargetReport {
    let report = engine.notify_default(text).await.unwrap();
    assert_eq!(report.results().get("good"), Some(&true));
    report.channels()["bad"].targets[0].clone()
}

/// Twice, since another worker is started after the first.
async fn crash(how: &str, says: &str) {
    let engine = start(how).await;
    for _ in 0..2 {
        let said = tell(&engine, "hello").await;
        assert_eq!((said.class, said.fault), (Class::Unknown, Fault::Plugin));
        let expected = format!("libfixture_ill_behaved.so {says} while it delivered");
        assert!(said.detail.contains(&expected), "{said}");
        assert!(said.hint.contains("author"), "{said}");
    }
    let drained = engine.shutdown(Duration::from_secs(10)).await;
    assert_eq!(drained.abandoned, 0);
}

#[tokio::test]
async fn one_that_behaves() {
    let engine = start("not").await;
    for _ in 0..3 {
        let said = tell(&engine, "hello").await;
        assert_eq!(said.class, Class::Delivered, "{said}");
    }
    assert_eq!(engine.shutdown(Duration::from_secs(10)).await.abandoned, 0);
}

#[tokio::test]
async fn a_segmentation_fault() {
    crash("segfaults", "was ended by signal 11 (SIGSEGV)").await;
}

#[tokio::test]
async fn an_abort() {
    crash("aborts", "was ended by signal 6 (SIGABRT)").await;
}

#[tokio::test]
async fn an_exit() {
    crash("exits", "exited with status 3").await;
}

#[tokio::test]
async fn a_leak_without_end() {
    crash("leaks", "was ended by signal 6 (SIGABRT)").await;
}

#[tokio::test]
async fn a_stack_that_is_full() {
    crash("fills_its_stack", "was ended by signal 6 (SIGABRT)").await;
}
