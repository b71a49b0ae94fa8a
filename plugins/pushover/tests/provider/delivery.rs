//! What arrives at the stand-in, and the life of an emergency.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use crate::standin::{bench, bench_with, settings};
use annunciator_pushover::Pushover as Plugin;
use annunciator_sdk::testing::Sample;
use annunciator_sdk::{Acknowledgement, Class, Kind, Proof, Severity};
use annunciator_testkit::pushover::{Pushover, Quota, USER};
use serde_json::{Value, json};
use std::time::Duration;

const URGENT: &str = "inc-7";

#[tokio::test(flavor = "multi_thread")]
async fn when_a_message_is_sent_it_arrives_once_with_all_that_is_known() {
    let bench = bench(json!({
        "device": "droid2, iphone", "sound": "siren", "url": "https://m.example",
        "url_title": "Board", "ttl": 60, "monospace": true,
    }))
    .await;
    let sample = Sample::new("CPU at 95 % & \"rising\" ünïcode 🚨").title("CPU");
    let outcomes = bench.channel.deliver(&sample).await;
    let messages = bench.service.messages();
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].class(), Class::Delivered);
    assert_eq!(outcomes[0].raw().remote_id.as_str(), message.request);
    assert_eq!(outcomes[0].target(), "user uQiR…");
    assert_eq!(message.text(), "CPU at 95 % & \"rising\" ünïcode 🚨");
    for (name, value) in [
        ("title", "CPU"),
        ("priority", "0"),
        ("device", "droid2,iphone"),
        ("sound", "siren"),
        ("url", "https://m.example"),
        ("url_title", "Board"),
        ("ttl", "60"),
        ("monospace", "1"),
        ("timestamp", "1767323045"),
    ] {
        assert_eq!(message.field(name), Some(value), "{name}");
    }
    assert_eq!(message.field("retry"), None);
    assert!(bench.service.violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_severity_differs_so_does_the_priority() {
    let table = json!({"priorities": {"info": "lowest", "critical": "1", "recovery": "low"}});
    for (extra, expected) in [
        (json!({}), [-1, 0, 1, -1]),
        (table, [-2, 0, 1, -1]),
        (json!({"priority": "high"}), [1, 1, 1, 1]),
    ] {
        let bench = bench(extra).await;
        for severity in Severity::ALL {
            let sample = Sample::new("x").severity(severity);
            bench.channel.deliver(&sample).await;
        }
        let over = Sample::new("x").severity(Severity::Info);
        bench.channel.deliver(&over.kind(Kind::Recovery)).await;
        let seen: Vec<i8> = bench
            .service
            .messages()
            .iter()
            .map(|m| m.priority)
            .collect();
        assert_eq!(seen, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_there_are_several_users_each_has_an_outcome() {
    let group = "g".repeat(30);
    let service = Pushover::builder().group(&group).start().await;
    let users = format!("{USER},{},{group}", "n".repeat(30));
    let bench = bench_with(service, json!({"user": users})).await;
    let outcomes = bench.channel.deliver(&Sample::new("x")).await;
    let seen: Vec<_> = outcomes.iter().map(|o| (o.target(), o.class())).collect();
    assert_eq!(
        seen,
        [
            ("user uQiR…", Class::Delivered),
            ("user nnnn…", Class::Permanent),
            ("user gggg…", Class::Delivered),
        ]
    );
    let again = Sample::new("x").again(2, &["user gggg…"]);
    assert_eq!(bench.channel.deliver(&again).await.len(), 1);
    assert_eq!(bench.service.messages().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_text_is_too_long_it_is_cut_and_a_note_says_so() {
    let bench = bench(json!({})).await;
    let sample = Sample::new(&"ü".repeat(1_000_000)).title(&"t".repeat(300));
    let outcomes = bench.channel.deliver(&sample).await;
    assert_eq!(outcomes[0].class(), Class::Delivered);
    let message = &bench.service.messages()[0];
    assert_eq!(message.text().chars().count(), 1024);
    assert!(message.text().ends_with('…'));
    assert_eq!(message.title().unwrap().chars().count(), 250);
    assert_eq!(outcomes[0].raw().notes.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_text_contains_controls_or_html_it_is_shown_as_text() {
    let bench = bench(json!({"html": true})).await;
    let sample = Sample::new("a\0b\r\n<b>load</b> < 5 & <script>");
    bench.channel.deliver(&sample).await;
    let message = &bench.service.messages()[0];
    assert_eq!(
        message.text(),
        "ab\n<b>load</b> &lt; 5 &amp; &lt;script&gt;"
    );
    assert_eq!(message.field("html"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_text_is_blank_it_is_the_messages_fault() {
    let bench = bench(json!({})).await;
    let outcomes = bench.channel.deliver(&Sample::new(" \0\n")).await;
    assert_eq!(outcomes[0].class(), Class::Permanent);
    assert!(bench.host.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_quota_runs_low_the_outcome_says_so() {
    let quota = Quota {
        limit: 100,
        remaining: 3,
        reset: 1_767_323_045 + 90_000,
    };
    let service = Pushover::builder().quota(quota).start().await;
    let bench = bench_with(service, json!({})).await;
    let outcomes = bench.channel.deliver(&Sample::new("x")).await;
    let notes = &outcomes[0].raw().notes;
    assert!(notes[0].contains("2 of 100 messages are left"), "{notes:?}");
    assert!(notes[0].contains("1 days and 1 hours"), "{notes:?}");
}

fn emergency() -> serde_json::Value {
    json!({"priorities": {"critical": "emergency"}, "retry": 30, "expire": 120,
        "tags": ["db", "eu"], "callback": "https://m.example/ack"})
}

fn problem() -> Sample {
    let sample = Sample::new("down").severity(Severity::Critical);
    sample.kind(Kind::Problem).incident(URGENT)
}

fn recovery() -> Sample {
    let sample = Sample::new("up").severity(Severity::Info);
    sample.kind(Kind::Recovery).incident(URGENT)
}

#[tokio::test(flavor = "multi_thread")]
async fn when_an_incident_recovers_its_emergency_is_cancelled() {
    let bench = bench(emergency()).await;
    let outcomes = bench.channel.deliver(&problem()).await;
    let message = &bench.service.messages()[0];
    let receipt = message.receipt.clone().unwrap();
    assert!(outcomes[0].raw().notes[0].contains(&receipt));
    for (name, value) in [
        ("retry", "30"),
        ("expire", "120"),
        ("tags", "db,eu"),
        ("callback", "https://m.example/ack"),
    ] {
        assert_eq!(message.field(name), Some(value), "{name}");
    }
    assert_eq!(
        bench.host.stored_keys(),
        ["followed".to_owned(), format!("receipts/{URGENT}")]
    );
    bench.channel.deliver(&recovery()).await;
    assert!(bench.service.receipt(&receipt).unwrap().cancelled);
    assert_eq!(bench.host.stored_keys(), ["followed"]);
    assert_eq!(bench.service.messages().len(), 2);
    // The background task finds that nothing is left to follow.
    bench.host.run_tasks().await;
    let polls = bench.host.requests().into_iter();
    assert_eq!(polls.filter(|request| request.method == "GET").count(), 0);
    assert!(bench.host.stored_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_cancelling_fails_the_recovery_is_still_delivered_and_tried_again() {
    let bench = bench(emergency()).await;
    bench.channel.deliver(&problem()).await;
    let receipt = bench.service.messages()[0].receipt.clone().unwrap();
    bench
        .service
        .fault(annunciator_testkit::http::Fault::proxy_error(503));
    let outcomes = bench.channel.deliver(&recovery()).await;
    assert_eq!(outcomes[0].class(), Class::Delivered);
    assert!(outcomes[0].raw().notes[0].contains("could not be cancelled"));
    assert!(!bench.service.receipt(&receipt).unwrap().cancelled);
    bench.channel.deliver(&recovery()).await;
    assert!(bench.service.receipt(&receipt).unwrap().cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_an_emergency_is_acknowledged_it_is_no_longer_followed() {
    let bench = bench(emergency()).await;
    bench.channel.deliver(&problem().reference("7")).await;
    let receipt = bench.service.messages()[0].receipt.clone().unwrap();
    assert!(bench.service.acknowledge(&receipt, USER, "droid2"));
    bench.host.run_tasks().await;
    assert!(bench.host.stored_keys().is_empty());
    let proven = bench.host.proven();
    assert_eq!(proven.last(), Some(&("7".to_owned(), Proof::Acknowledged)));
    assert!(bench.host.slept().as_secs() >= 5);
    bench.channel.deliver(&recovery()).await;
    assert!(!bench.service.receipt(&receipt).unwrap().cancelled);
}

/// Delivers an emergency, has it acknowledged, and returns what the host learned.
async fn acknowledged(extra: Value) -> Acknowledgement {
    let mut settings = emergency();
    for (name, value) in extra.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let bench = bench(settings).await;
    bench.channel.deliver(&problem().reference("7")).await;
    let receipt = bench.service.messages()[0].receipt.clone().unwrap();
    assert!(bench.service.acknowledge(&receipt, USER, "droid2"));
    let at = bench.service.receipt(&receipt).unwrap().acknowledged_at;
    bench.host.run_tasks().await;
    let (reference, acknowledgement) = bench.host.acknowledged().remove(0);
    assert_eq!(reference, "7");
    let at_ms = i64::try_from(at).unwrap() * 1000;
    assert_eq!(acknowledgement, acknowledgement.clone().at_ms(at_ms));
    let said = format!("{:?} {:?}", bench.host.logs(), acknowledgement);
    assert!(!said.contains(USER), "{said}");
    acknowledgement
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acknowledged_an_emergency_is_known_by_name_or_by_the_device() {
    let unnamed = acknowledged(json!({"people": {"bob": "b".repeat(30)}})).await;
    assert_eq!(unnamed, unnamed.clone().by("user uQiR… (droid2)"));
    let named = acknowledged(json!({"people": {"anna": USER}})).await;
    assert_eq!(named, named.clone().by("anna"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_person_acknowledges_the_phones_of_the_others_stop() {
    for stops in [true, false] {
        let other = "o".repeat(30);
        let service = Pushover::builder()
            .user(&other, &["iphone"])
            .pause(Duration::ZERO);
        let mut extra = emergency();
        extra["user"] = json!(format!("{USER},{other}"));
        extra["cancel_on_acknowledgement"] = json!(stops);
        let bench = bench_with(service.start().await, extra).await;
        bench.channel.deliver(&problem().reference("7")).await;
        let messages = bench.service.messages();
        let receipt = |user: &str| {
            let mut found = messages.iter();
            let message = found.find(|message| message.field("user") == Some(user));
            message.unwrap().receipt.clone().unwrap()
        };
        assert!(bench.service.acknowledge(&receipt(USER), USER, "droid2"));
        bench.host.run_tasks().await;
        let cancelled = |user| bench.service.receipt(&receipt(user)).unwrap().cancelled;
        assert_eq!((cancelled(USER), cancelled(&other)), (false, stops));
        assert!(bench.host.stored_keys().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_somebody_took_over_elsewhere_the_emergency_is_cancelled() {
    let bench = bench(emergency()).await;
    bench.channel.deliver(&problem()).await;
    let receipt = bench.service.messages()[0].receipt.clone().unwrap();
    let about = |kind| {
        Sample::new("anna has taken over")
            .kind(kind)
            .incident(URGENT)
    };
    let another = about(Kind::Problem).attribute("acknowledged_by", "anna");
    bench.channel.deliver(&another).await;
    assert!(!bench.service.receipt(&receipt).unwrap().cancelled);
    let taken_over = about(Kind::Message).attribute("acknowledged_by", "anna");
    bench.channel.deliver(&taken_over).await;
    assert!(bench.service.receipt(&receipt).unwrap().cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_followed_after_a_restart_too() {
    let bench = bench(emergency()).await;
    bench.channel.deliver(&problem().reference("7")).await;
    let receipt = bench.service.messages()[0].receipt.clone().unwrap();
    bench.host.drop_tasks();
    let settings = settings(&bench.service.url(), &emergency());
    let _again = bench.host.open::<Plugin>(&settings).await.unwrap();
    assert!(bench.service.acknowledge(&receipt, USER, "droid2"));
    bench.host.run_tasks().await;
    let proven = bench.host.proven();
    let acknowledged = ("7".to_owned(), Proof::Acknowledged);
    assert_eq!(proven.last(), Some(&acknowledged));
    assert!(bench.host.stored_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_acknowledges_it_is_followed_until_it_expires() {
    let bench = bench(emergency()).await;
    bench.channel.deliver(&problem()).await;
    bench.host.run_tasks().await;
    let requests = bench.host.requests().into_iter();
    let polls = requests.filter(|request| request.method == "GET").count();
    // Every 30 s for 120 s.
    assert_eq!(polls, 4);
    assert!(bench.host.stored_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_cancelling_is_switched_off_the_emergency_goes_on() {
    let mut extra = emergency();
    extra["cancel_on_recovery"] = json!(false);
    let bench = bench(extra).await;
    bench.channel.deliver(&problem()).await;
    let receipt = bench.service.messages()[0].receipt.clone().unwrap();
    bench.channel.deliver(&recovery()).await;
    assert!(!bench.service.receipt(&receipt).unwrap().cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_key_is_set_the_service_sees_nothing_in_clear() {
    let service = Pushover::builder().encryption_key([0xa5; 32]).start().await;
    let extra = json!({"encryption_key": "a5".repeat(32), "url_title": "Board",
        "url": "https://m.example"});
    let bench = bench_with(service, extra).await;
    // The characters have no pattern, so that compression hardly shortens them.
    let scattered = (1_u32..3000).map(|n| 0x4e00 + n.wrapping_mul(0x9e37_79b9) % 20_000);
    let long: String = scattered.filter_map(char::from_u32).collect();
    for text in ["disk full on sda1", &long] {
        let outcomes = bench
            .channel
            .deliver(&Sample::new(text).title("Disk"))
            .await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
    }
    let messages = bench.service.messages();
    assert_eq!(messages[0].text(), "disk full on sda1");
    assert_eq!(messages[0].title(), Some("Disk"));
    assert_eq!(messages[0].field("url"), Some("https://m.example"));
    assert_eq!(messages[0].field("url_title"), None);
    assert!(messages[1].text().ends_with('…'));
    let kept = messages[1].text().chars().count();
    assert!((200..1000).contains(&kept), "{kept} characters were kept");
    let sent = format!("{:?}", bench.host.requests());
    assert!(!sent.contains("disk") && !sent.contains("m.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_devices_have_another_key_the_service_refuses() {
    let service = Pushover::builder().encryption_key([1; 32]).start().await;
    let bench = bench_with(service, json!({"encryption_key": "a5".repeat(32)})).await;
    let outcomes = bench.channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes[0].class(), Class::Permanent);
}
