//! Bots: the threads of incidents, the lookup of the channel, and failures.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use crate::standin::{Bench, bot_bench};
use annunciator_sdk::testing::Sample;
use annunciator_sdk::{Class, Fault, Kind};
use annunciator_testkit::http::Fault as Broken;
use annunciator_testkit::mattermost::{BOT_TOKEN, Mattermost};
use serde_json::json;

fn about(incident: &str, kind: Kind) -> Sample {
    Sample::new("text").incident(incident).kind(kind)
}

async fn deliver(bench: &Bench, sample: &Sample) -> annunciator_sdk::Outcome {
    let outcomes = bench.channel.deliver(sample).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.into_iter().next().unwrap()
}

async fn delivered(bench: &Bench, sample: &Sample) {
    let outcome = deliver(bench, sample).await;
    assert_eq!(outcome.class(), Class::Delivered, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_messages_are_about_one_incident_they_form_a_thread() {
    let bench = bot_bench(Mattermost::start().await, json!({})).await;
    let first = deliver(&bench, &about("a", Kind::Problem)).await;
    delivered(&bench, &about("a", Kind::Problem)).await;
    delivered(&bench, &about("b", Kind::Problem)).await;
    delivered(&bench, &about("a", Kind::Recovery)).await;
    delivered(&bench, &about("a", Kind::Problem)).await;
    delivered(&bench, &Sample::new("alone")).await;
    let posts = bench.server.messages();
    assert_eq!(first.raw().remote_id.as_str(), posts[0].id);
    let root = posts[0].id.as_str();
    let roots: Vec<&str> = posts.iter().map(|post| post.root_id.as_str()).collect();
    assert_eq!(roots, ["", root, "", root, "", ""]);
    let lookups = bench.host.requests().into_iter();
    assert_eq!(lookups.filter(|request| request.method == "GET").count(), 1);
    assert!(bench.server.violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_threads_are_switched_off_each_post_stands_alone() {
    let bench = bot_bench(Mattermost::start().await, json!({"thread": false})).await;
    for _ in 0..2 {
        delivered(&bench, &about("a", Kind::Problem)).await;
    }
    assert!(
        bench
            .server
            .messages()
            .iter()
            .all(|post| post.root_id.is_empty())
    );
    assert!(bench.host.stored_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_thread_was_deleted_a_new_one_begins() {
    let bench = bot_bench(Mattermost::start().await, json!({})).await;
    delivered(&bench, &about("a", Kind::Problem)).await;
    bench.server.delete(&bench.server.messages()[0].id);
    for _ in 0..2 {
        let outcome = deliver(&bench, &about("a", Kind::Problem)).await;
        assert_eq!(outcome.class(), Class::Delivered, "{outcome:?}");
    }
    let posts = bench.server.messages();
    assert_eq!(posts[1].root_id, "");
    assert_eq!(posts[2].root_id, posts[1].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_text_is_long_its_posts_form_a_thread() {
    let bench = bot_bench(Mattermost::start().await, json!({"priority": "urgent"})).await;
    let outcome = deliver(&bench, &Sample::new(&"ü".repeat(20_000))).await;
    assert_eq!(outcome.class(), Class::Delivered, "{outcome:?}");
    let posts = bench.server.messages();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[1].root_id, posts[0].id);
    assert_eq!(posts[0].priority, Some(json!({"priority": "urgent"})));
    assert_eq!(posts[1].priority, None);
    assert_eq!(posts[1].attachments().len(), 1);
    bench.server.fail_post(1);
    let torn = deliver(&bench, &Sample::new(&"ü".repeat(20_000))).await;
    assert_eq!(torn.class(), Class::Delivered);
    assert!(torn.raw().notes[1].contains("the last 1 of 2 posts are missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_bot_is_refused_the_hint_says_what_to_do() {
    for (extra, code, hint) in [
        (json!({"bot_token": "wrong"}), "HTTP 401", "check bot_token"),
        (
            json!({"team": "nowhere"}),
            "HTTP 404",
            "check team and channel",
        ),
        (
            json!({"channel": "nowhere"}),
            "HTTP 404",
            "check team and channel",
        ),
        (json!({"channel": "foreign"}), "HTTP 403", "add the bot"),
    ] {
        let server = Mattermost::builder()
            .foreign_channel("foreign")
            .start()
            .await;
        let bench = bot_bench(server, extra).await;
        let outcome = deliver(&bench, &Sample::new("x")).await;
        assert_eq!(outcome.class(), Class::Permanent);
        assert_eq!(outcome.fault(), Some(Fault::Config));
        assert_eq!(outcome.raw().code.as_str(), code);
        assert!(outcome.raw().hint.contains(hint), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_connection_is_lost_the_outcome_depends_on_the_call() {
    let bench = bot_bench(Mattermost::start().await, json!({})).await;
    bench.server.fault(Broken::ResetBeforeStoring);
    let lookup = deliver(&bench, &Sample::new("x")).await;
    assert_eq!(lookup.class(), Class::Retry, "nothing was sent yet");
    delivered(&bench, &Sample::new("x")).await;
    bench.server.fault(Broken::ResetAfterStoring);
    let post = deliver(&bench, &Sample::new("x")).await;
    assert_eq!(post.class(), Class::Unknown);
    assert_eq!(bench.server.messages().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_limits_the_rate_its_wait_is_passed_on() {
    let server = Mattermost::builder().rate_limit(1).start().await;
    let bench = bot_bench(server, json!({})).await;
    let outcome = deliver(&bench, &Sample::new("x")).await;
    assert_eq!(outcome.class(), Class::Retry);
    assert_eq!(outcome.wait().map(|wait| wait.as_secs()), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_bot_is_checked_nothing_is_posted() {
    let bench = bot_bench(Mattermost::start().await, json!({})).await;
    let found = bench.channel.check().await;
    assert!(found.is_ok(), "{found:?}");
    assert!(found.detail().contains("the bot annunciator sees"));
    for extra in [json!({"bot_token": "wrong"}), json!({"channel": "nowhere"})] {
        let bench = bot_bench(Mattermost::start().await, extra).await;
        assert!(!bench.channel.check().await.is_ok());
        assert!(bench.server.messages().is_empty());
    }
    let printed = format!("{found:?} {:?}", bench.host.logs());
    assert!(!printed.contains(BOT_TOKEN));
}
