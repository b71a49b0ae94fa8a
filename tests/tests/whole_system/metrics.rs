//! The numbers that a recorder gets, and that their labels are bounded.

use std::{collections::BTreeMap, fs, time::Duration};

use annunciator::Engine;
use annunciator_testkit::rig::Rig;
use annunciator_tests::foreign::WAIT_TIMEOUT;
use metrics::{Unit, with_local_recorder};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

const YAML: &str = "notification_channels:
  good: {type: steady}
  later: {type: steady, outcomes: [ok, later]}
  never: {type: steady, outcomes: [later, never, ok]}
  silent: {type: ill_behaved, how: never_answers, delivery: {timeout: 20ms}}
  broken: {type: ill_behaved, how: panic_in_open}
default_notification_channels: [good, later, never, silent, broken]
";

/// Runs a test on one thread, whose recorder is the test's own.
fn recorded(run: impl AsyncFnOnce(Snapshotter)) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    with_local_recorder(&recorder, || runtime.block_on(run(snapshotter)));
}

async fn start(yaml: &str) -> (Rig, Engine) {
    let rig = Rig::new(&["fixture-steady", "fixture-ill-behaved"]).unwrap();
    // What is told of a channel that is disabled would be counted as well.
    let builder = rig.configured(yaml).unwrap().notify_of_alerts(false);
    let engine = builder.start().await.unwrap();
    (rig, engine)
}

/// What was recorded since the last look: counters and gauges by their change,
/// histograms by the number of values.
fn numbers(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let snapshot = snapshotter.snapshot().into_vec().into_iter();
    let numbers = snapshot.map(|(key, _, _, value)| {
        let key = key.key();
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(level) => level.into_inner(),
            DebugValue::Histogram(values) => {
                assert!(
                    values
                        .iter()
                        .all(|value| (0.0..60.0).contains(&value.into_inner()))
                );
                values.len() as f64
            }
        };
        (format!("{}{{{}}}", key.name(), labels.join(",")), value)
    });
    numbers.collect()
}

fn check(snapshotter: &Snapshotter, prefix: &str, expected: &[(&str, f64)]) {
    let numbers = numbers(snapshotter).into_iter();
    // The accounts are counted now and then.
    let is_counted = |key: &str| key.starts_with("stored_") || key.starts_with("accounts_");
    let found: BTreeMap<_, _> = numbers
        .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value)))
        .filter(|(key, _)| !is_counted(key))
        .collect();
    let expected = expected
        .iter()
        .map(|(key, value)| ((*key).to_owned(), *value));
    assert_eq!(found, expected.collect());
}

#[test]
fn every_delivery_is_counted_by_its_channel_and_its_outcome() {
    recorded(async |snapshotter| {
        let (_rig, engine) = start(YAML).await;
        for _ in 0..3 {
            let _ = engine.notify_default("hello").await.unwrap();
        }
        let numbers = numbers(&snapshotter);
        let counted = |channel: &str, outcome: &str| {
            numbers[&format!("annunciator_deliveries_total{{channel={channel},outcome={outcome}}}")]
        };
        assert_eq!(counted("good", "delivered"), 3.0);
        assert_eq!(counted("later", "retry"), 3.0);
        assert_eq!(counted("never", "permanent"), 3.0);
        assert_eq!(counted("silent", "unknown"), 3.0);
        let of = |name: &str| numbers.keys().filter(|key| key.starts_with(name)).count();
        // What waits for a channel that is disabled has no outcome.
        assert_eq!(of("annunciator_deliveries_total"), 4);
        assert_eq!(numbers["annunciator_delivery_seconds{channel=good}"], 3.0);
        assert_eq!(of("annunciator_delivery_seconds"), 4);
        assert_eq!(numbers["annunciator_deliveries_under_way{}"], 0.0);
    });
}

#[test]
fn channels_that_stand_in_no_configuration_share_one_label() {
    recorded(async |snapshotter| {
        let (_rig, engine) = start("notification_channels: {good: {type: steady}}\n").await;
        for number in 0..5 {
            let definitions = format!("a{number}: {{type: steady}}\nb{number}: {{type: steady}}\n");
            let report = engine.notify_with(&definitions, "hello").await.unwrap();
            assert!(report.all_delivered());
        }
        check(
            &snapshotter,
            "annunciator_",
            &[
                ("channels{state=open}", 1.0),
                ("deliveries_total{channel=(ad hoc),outcome=delivered}", 10.0),
                ("deliveries_under_way{}", 0.0),
                ("delivery_seconds{channel=(ad hoc)}", 10.0),
            ],
        );
    });
}

#[test]
fn what_waits_or_is_under_way_is_counted() {
    recorded(async |snapshotter| {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let gate = rig.folder().join("gate");
        let yaml = format!(
            "notification_channels: {{slow: {{type: steady, wait_for: {}}}}}\ndefault_notification_channels: [slow]\ndelivery: {{store: none}}\n",
            gate.display()
        );
        let engine = rig.start(&yaml).await.unwrap();
        let notifying: Vec<_> = (0..70)
            .map(|_| {
                let engine = engine.clone();
                tokio::spawn(async move { engine.notify_default("hello").await })
            })
            .collect();
        while engine.deliveries_under_way() < 70 {
            tokio::task::yield_now().await;
        }
        check(
            &snapshotter,
            "annunciator_deliveries_under_way",
            &[("{}", 70.0)],
        );
        fs::write(gate, "").unwrap();
        for notified in notifying {
            let notified = tokio::time::timeout(WAIT_TIMEOUT, notified).await.unwrap();
            assert!(notified.unwrap().unwrap().all_delivered());
        }
        check(
            &snapshotter,
            "annunciator_deliveries_under_way",
            &[("{}", -70.0)],
        );
    });
}

#[test]
fn channels_are_counted_by_their_state_until_they_close() {
    recorded(async |snapshotter| {
        let (rig, engine) = start(YAML).await;
        let states = |open: f64, disabled: f64| {
            let expected = [("{state=disabled}", disabled), ("{state=open}", open)];
            check(&snapshotter, "annunciator_channels", &expected);
        };
        states(4.0, 1.0);
        let yaml = "notification_channels: {good: {type: steady}, new: {type: steady}}\n";
        let loaded = rig.configured(yaml).unwrap().load().unwrap();
        let reloaded = engine.reload(loaded).await.unwrap();
        assert_eq!(reloaded.closed.len(), 4);
        let _ = engine.shutdown(Duration::from_secs(10)).await;
        // All that were counted, and the new one in between.
        states(-4.0, -1.0);
    });
}

#[test]
fn every_number_is_described() {
    recorded(async |snapshotter| {
        let (_rig, engine) = start(YAML).await;
        let _ = engine.notify_default("hello").await.unwrap();
        for (key, unit, text, _) in snapshotter.snapshot().into_vec() {
            let wanted = match key.key().name() {
                "annunciator_delivery_seconds" => Unit::Seconds,
                _ => Unit::Count,
            };
            assert_eq!(unit, Some(wanted), "{key:?}");
            assert!(text.is_some_and(|text| text.ends_with('.')), "{key:?}");
        }
    });
}
