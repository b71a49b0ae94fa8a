//! A channel that is disabled: what is to be told by it waits until that is fixed,
//! or has lived long enough, and holds up nobody else.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

use annunciator::{Class, Engine, EngineBuilder, Fault, Report, Route, store::State};
use annunciator_testkit::{hasty::Hasty, rig::Rig};

use crate::desk::{ended, records, wait_until};

const BAD: &str = "bad: {type: ill_behaved, how: not}";

/// A rig on which the channel `bad` is disabled: anybody may write to its plugin.
fn rig() -> Rig {
    let rig = Rig::new(&["fixture-steady", "fixture-ill-behaved"]).unwrap();
    let (file, fresh) = (rig.plugins().join(FILE), rig.folder().join("fresh"));
    // It is a link to what was built.
    fs::copy(&file, &fresh).unwrap();
    fs::rename(fresh, &file).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
    rig
}

const FILE: &str = "libfixture_ill_behaved.so";

fn configured(rig: &Rig, bad: &str, rest: &str) -> EngineBuilder {
    let yaml = format!("notification_channels:\n  good: {{type: steady}}\n  {bad}\n{rest}");
    let builder = rig.exactly(&yaml).unwrap();
    builder.clock(Arc::new(Hasty::default()))
}

async fn notify(engine: &Engine, names: &[&str]) -> Report {
    engine.notify_channels(names, "down").await.unwrap()
}

#[tokio::test]
async fn what_is_sent_meanwhile_arrives_when_it_is_mended() {
    let rig = rig();
    let engine = configured(&rig, BAD, "").start().await.unwrap();
    let report = notify(&engine, &["good", "bad"]).await;
    assert!(report.results()["good"] && !report.results()["bad"]);
    let bad = &report.channels()["bad"];
    assert_eq!((bad.state, bad.attempts), (State::Pending, 0));
    let target = &bad.targets[0];
    assert_eq!((target.class, target.fault), (Class::Retry, Fault::Plugin));
    assert!(
        target
            .detail
            .starts_with("the channel is disabled: plugin ")
    );
    assert_eq!(engine.alerts()[0].subject, "channel/bad/disabled");
    for number in 0..3 {
        let text = format!("{number}");
        let route = Route::Channels(&["bad"]);
        engine.submit(route, text.as_str(), None).await.unwrap();
    }
    assert_eq!(engine.alerts().len(), 1, "told once");
    let waiting = records(&engine).await;
    let bad = waiting.iter().filter(|one| one.channel == "bad");
    assert!(bad.clone().all(|one| one.state == State::Pending));
    assert_eq!(bad.count(), 4);

    fs::set_permissions(rig.plugins().join(FILE), Permissions::from_mode(0o600)).unwrap();
    let loaded = configured(&rig, BAD, "").load().unwrap();
    assert_eq!(engine.reload(loaded).await.unwrap().opened, ["bad"]);
    assert!(engine.alerts().is_empty());
    let states = ended(&engine).await;
    let arrived = |state: &State| *state == State::Delivered;
    assert!(states.iter().all(arrived), "{states:?}");
}

#[tokio::test]
async fn what_waits_for_longer_than_it_lives_expires() {
    let rig = rig();
    let bad = "bad: {type: ill_behaved, how: not, delivery: {ttl: 10s}}";
    let engine = configured(&rig, bad, "").start().await.unwrap();
    engine
        .submit(Route::Channels(&["bad"]), "down", None)
        .await
        .unwrap();
    // Its trouble is told through the other.
    let states = wait_until(&engine, |records| {
        let bad = records.iter().find(|record| record.channel == "bad");
        bad.is_some_and(|record| record.state.has_ended())
    });
    assert_eq!(states.await[0], State::Expired);
    let record = records(&engine).await.remove(0);
    assert_eq!(
        (record.attempts, &*record.why),
        (0, "its time to live has passed")
    );
}

#[tokio::test]
async fn it_holds_up_no_group() {
    let rig = rig();
    let rest = "notification_groups: {oncall: {first_of: [bad, good], until: accepted, step_after: 24h}}\n";
    let engine = configured(&rig, BAD, rest).start().await.unwrap();
    let report = notify(&engine, &["oncall"]).await;
    assert!(report.all_delivered(), "{report:?}");
    assert_eq!(report.channels()["bad"].state, State::Superseded);
    assert_eq!(report.channels()["good"].state, State::Delivered);
}

#[tokio::test]
async fn a_rule_keeps_back_what_it_would_keep_back_anyway() {
    let rig = rig();
    let bad = "bad: {type: ill_behaved, how: not, delivery: {min_severity: critical}}";
    let engine = configured(&rig, bad, "").start().await.unwrap();
    let report = notify(&engine, &["bad"]).await;
    assert_eq!(report.channels()["bad"].state, State::Suppressed);
}

#[tokio::test]
async fn without_a_store_nothing_can_wait() {
    let rig = rig();
    let engine = configured(&rig, BAD, "delivery: {store: none}\n");
    let engine = engine.start().await.unwrap();
    let report = notify(&engine, &["bad"]).await;
    let bad = &report.channels()["bad"];
    assert_eq!(bad.state, State::Failed);
    assert_eq!(bad.targets[0].class, Class::Permanent);
}
