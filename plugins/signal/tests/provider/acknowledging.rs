//! Messages by a daemon: people acknowledge them by a reaction or a reply that quotes them.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use crate::support::{ME, ONE, host, over};
use annunciator_sdk::Provider as _;
use annunciator_sdk::{
    Acknowledgement, Class, Kind, Proof, Severity,
    testing::{FakeHost, Opened, Sample},
};
use annunciator_signal::{Config, Signal};
use annunciator_testkit::signal::{EVENTS, SignalDaemon};
use serde_json::{Value, json};

/// More than any of this takes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

const ANNA: (&str, &str) = (ONE, "Anna");

/// A daemon, and a channel that is configured for its TCP port or its socket.
struct Bench {
    daemon: SignalDaemon,
    host: FakeHost,
    channel: Opened,
}

async fn bench(more: Value) -> Bench {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    bench_with(daemon, more).await
}

async fn bench_with(daemon: SignalDaemon, more: Value) -> Bench {
    let host = host();
    let channel = host.open::<Signal>(&over(&daemon.unix(), more)).await;
    let channel = channel.unwrap();
    Bench {
        daemon,
        host,
        channel,
    }
}

fn problem(reference: &str) -> Sample {
    let sample = Sample::new("db-01 is overdue").incident("a");
    sample.kind(Kind::Problem).reference(reference)
}

impl Bench {
    async fn deliver(&self, sample: &Sample) {
        let outcomes = self.channel.deliver(sample).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
    }

    /// Delivers a problem, and waits until the channel listens.
    async fn listening(&self, reference: &str) {
        self.deliver(&problem(reference)).await;
        assert_eq!(self.daemon.wait_for_calls("subscribeReceive", 1).await, 1);
    }

    /// Lets time pass until the channel has subscribed this often. It sleeps on a thread of its own,
    /// so that it may begin to sleep after the clock has advanced.
    async fn subscribed(&self, often: usize) {
        loop {
            self.host.advance(Duration::from_secs(5));
            let subscribed = self.daemon.wait_for_calls("subscribeReceive", often);
            if tokio::time::timeout(Duration::from_millis(50), subscribed)
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    /// Waits until the channel listens no more, which is as soon as a message was acknowledged.
    async fn ended(&self) {
        assert_eq!(self.daemon.wait_for_calls("unsubscribeReceive", 1).await, 1);
        assert!(self.host.stored_keys().is_empty());
    }

    /// The acknowledgements, by reference, without their times.
    fn acknowledged(&self) -> Vec<(String, Acknowledgement)> {
        let known = self.host.acknowledged().into_iter();
        known
            .map(|(reference, it)| (reference, it.at_ms(0)))
            .collect()
    }
}

fn by(name: &str, note: &str) -> Acknowledgement {
    Acknowledgement::default().by(name).note(note).at_ms(0)
}

#[tokio::test]
async fn who_reacts_to_a_message_acknowledges_it_in_any_mode_of_the_daemon() {
    for manual in [false, true] {
        let bench = bench(json!({})).await;
        if manual {
            bench.daemon.receive_manually();
        }
        bench.listening("7").await;
        bench.daemon.react(ANNA, 0, "👍🏽");
        bench.ended().await;
        assert_eq!(bench.acknowledged(), [("7".to_owned(), by("Anna", "👍🏽"))]);
        assert_eq!(bench.host.proven().len(), 1);
        assert!(bench.daemon.violations().is_empty());
        bench.channel.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reacts_to_a_message_acknowledges_it_by_a_daemon_over_http_and_tcp_too() {
    let daemon = SignalDaemon::start(&[ME]).await.unwrap();
    for (rpc, subscribes) in [(daemon.http(), EVENTS), (daemon.tcp(), "subscribeReceive")] {
        let host = host();
        let channel = host.open::<Signal>(&over(&rpc, json!({}))).await.unwrap();
        let outcomes = channel.deliver(&problem("7")).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
        assert_eq!(daemon.wait_for_calls(subscribes, 1).await, 1);
        let earlier = daemon.messages().len() - 1;
        daemon.react(ANNA, earlier, "👍");
        let seen = async {
            while host.acknowledged().is_empty() || !host.stored_keys().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        assert!(
            tokio::time::timeout(WAIT_TIMEOUT, seen).await.is_ok(),
            "{rpc}"
        );
        assert_eq!(host.acknowledged()[0].1.clone().at_ms(0), by("Anna", "👍"));
        channel.close().await;
    }
}

#[tokio::test]
async fn who_quotes_a_message_with_an_acknowledging_word_acknowledges_it() {
    let bench = bench(json!({})).await;
    bench.listening("7").await;
    // Neither of the first three does: it is no sign, or about another message.
    bench.daemon.reply(ANNA, 0, "who looks after this?");
    bench.daemon.react(ANNA, 0, "🔥");
    bench.daemon.react(ANNA, 9, "👍");
    bench
        .daemon
        .reply(("+4930", ""), 0, "Mine, the disk is full");
    bench.ended().await;
    let expected = by("+4930", "Mine, the disk is full");
    assert_eq!(bench.acknowledged(), [("7".to_owned(), expected)]);
    bench.channel.close().await;
}

#[tokio::test]
async fn a_reminder_is_acknowledged_for_the_whole_incident() {
    let bench = bench(json!({})).await;
    bench.listening("7").await;
    bench.deliver(&problem("8")).await;
    bench.daemon.react(ANNA, 1, "👀");
    bench.ended().await;
    assert_eq!(bench.acknowledged(), [("8".to_owned(), by("Anna", "👀"))]);
    bench.channel.close().await;
}

#[tokio::test]
async fn a_receipt_of_a_phone_proves_that_it_was_delivered() {
    let bench = bench(json!({})).await;
    bench.listening("7").await;
    bench.daemon.receipt(ANNA, 0);
    bench.daemon.react(ANNA, 0, "👍");
    bench.ended().await;
    let proven = [Proof::Delivered, Proof::Acknowledged].map(|proof| ("7".to_owned(), proof));
    assert_eq!(bench.host.proven(), proven);
    bench.channel.close().await;
}

#[tokio::test]
async fn when_the_incident_ends_or_was_taken_over_elsewhere_nobody_listens_any_more() {
    let ends = Sample::new("is back").incident("a").kind(Kind::Recovery);
    let taken = Sample::new("anna has taken over").incident("a");
    let taken = taken.attribute("acknowledged_by", "anna");
    for end in [ends.reference("8"), taken.reference("8")] {
        let bench = bench(json!({})).await;
        bench.listening("7").await;
        bench.deliver(&end).await;
        assert!(bench.host.stored_keys().is_empty());
        bench.daemon.react(ANNA, 0, "👍");
        bench.ended().await;
        assert!(bench.acknowledged().is_empty());
        bench.channel.close().await;
    }
}

#[tokio::test]
async fn a_message_is_watched_after_a_restart_of_either_side() {
    let first = bench(json!({})).await;
    first.listening("7").await;
    first.channel.close().await;
    let settings = over(&first.daemon.unix(), json!({}));
    let channel = first.host.open::<Signal>(&settings).await.unwrap();
    let bench = Bench { channel, ..first };
    // The first connection is made a little later, by the clock.
    bench.subscribed(2).await;
    bench.daemon.restart();
    bench.subscribed(3).await;
    bench.daemon.react(ANNA, 0, "👍");
    bench.ended().await;
    assert_eq!(bench.acknowledged(), [("7".to_owned(), by("Anna", "👍"))]);
    bench.channel.close().await;
}

#[tokio::test]
async fn a_message_outside_an_incident_stands_for_itself() {
    let bench = bench(json!({})).await;
    bench
        .deliver(&Sample::new("disk full").reference("7"))
        .await;
    let is_back = Sample::new("is back").kind(Kind::Recovery);
    bench.deliver(&is_back.reference("8")).await;
    assert_eq!(bench.daemon.wait_for_calls("subscribeReceive", 1).await, 1);
    bench.daemon.react(ANNA, 0, "👍");
    bench.ended().await;
    assert_eq!(bench.acknowledged(), [("7".to_owned(), by("Anna", "👍"))]);
    bench.channel.close().await;
}

#[tokio::test]
async fn when_nobody_waits_for_it_or_it_is_switched_off_nobody_listens() {
    for (more, reference) in [(json!({"acknowledge": false}), "7"), (json!({}), "")] {
        let bench = bench(more).await;
        bench.deliver(&problem(reference)).await;
        assert!(bench.host.stored_keys().is_empty());
        bench.channel.close().await;
        let methods = bench.daemon.methods();
        assert!(methods.iter().all(|method| method == "send"), "{methods:?}");
    }
}

#[test]
fn only_a_daemon_proves_an_acknowledgement() {
    let proofs = |more: Value| {
        let mut settings = json!({"user": ME, "recipient": ONE});
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Signal::proofs(&serde_json::from_value::<Config>(settings).unwrap())
    };
    for rpc in [
        "unix:/run/s",
        "tcp://localhost:7583",
        "http://localhost:8080",
    ] {
        let proven = proofs(json!({"rpc": rpc})).of(Severity::Info);
        assert_eq!(proven, Some(Proof::Acknowledged));
    }
    for (more, hint) in [
        (json!({}), "rpc"),
        (json!({"rpc": "https://localhost:8080"}), "rpc"),
        (json!({"rpc": "http://localhost:8080/x/rpc"}), "rpc"),
        (
            json!({"rpc": "unix:/run/s", "acknowledge": false}),
            "acknowledge",
        ),
    ] {
        let proofs = proofs(more);
        assert_eq!(proofs.of(Severity::Critical), None);
        assert_eq!(proofs.hints().next().map(|found| found.0), Some(hint));
    }
}
