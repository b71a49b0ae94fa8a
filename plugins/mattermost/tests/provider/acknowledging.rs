//! Bots: people acknowledge a post by a reaction, a reply or the server's own button.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use crate::standin::{Bench, bot, bot_bench};
use annunciator_mattermost::Mattermost as Plugin;
use annunciator_sdk::testing::Sample;
use annunciator_sdk::{Acknowledgement, Class, Kind, Proof};
use annunciator_testkit::http::Fault as Broken;
use annunciator_testkit::mattermost::{BOT, CHANNEL, ErrorStyle, Mattermost};
use serde_json::{Value, json};

/// Several rounds of questions.
const SOME_TIME: Duration = Duration::from_secs(120);
/// More than the time for which a post is watched.
const LONG_TIME: Duration = Duration::from_secs(25 * 3600);

fn problem(reference: &str) -> Sample {
    let sample = Sample::new("db-01 is overdue").incident("a");
    sample.kind(Kind::Problem).reference(reference)
}

/// Delivers a message, and returns the ID of its post.
async fn post(bench: &Bench, sample: &Sample) -> String {
    let outcomes = bench.channel.deliver(sample).await;
    assert_eq!(outcomes[0].class(), Class::Delivered, "{outcomes:?}");
    bench.server.messages().last().unwrap().id.clone()
}

/// A bench on which a problem was posted, with the ID of the post.
async fn posted_with(server: Mattermost, extra: Value) -> (Bench, String) {
    let bench = bot_bench(server, extra).await;
    let id = post(&bench, &problem("7")).await;
    (bench, id)
}

async fn posted(extra: Value) -> (Bench, String) {
    posted_with(Mattermost::start().await, extra).await
}

/// The acknowledgements after some time, by reference, without their times.
async fn acknowledged(bench: &Bench) -> Vec<(String, Acknowledgement)> {
    bench.host.run_tasks_for(SOME_TIME).await;
    let known = bench.host.acknowledged().into_iter();
    known
        .map(|(reference, it)| (reference, it.at_ms(0)))
        .collect()
}

fn by(name: &str, note: &str) -> Acknowledgement {
    Acknowledgement::default().by(name).note(note).at_ms(0)
}

/// How many requests of this kind there were.
fn asked(bench: &Bench, kind: &str) -> usize {
    let requests = bench.host.requests().into_iter();
    requests
        .filter(|request| request.url.contains(kind))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reacts_to_a_post_acknowledges_it_with_the_name_and_the_time() {
    let (bench, id) = posted(json!({})).await;
    bench.host.run_tasks_for(SOME_TIME).await;
    assert!(bench.host.proven().is_empty());
    assert!(bench.server.react(&id, "alice", "eyes"));
    assert_eq!(
        acknowledged(&bench).await,
        [("7".to_owned(), by("alice", ":eyes:"))]
    );
    let at = bench.server.messages()[0].reactions[0].create_at;
    let exact = Acknowledgement::default()
        .by("alice")
        .note(":eyes:")
        .at_ms(at);
    assert_eq!(bench.host.acknowledged()[0].1, exact);
    assert_eq!(bench.host.proven(), [("7".to_owned(), Proof::Acknowledged)]);
    // Nothing more is asked for.
    let requests = bench.host.requests().len();
    bench.host.run_tasks_for(SOME_TIME).await;
    assert_eq!(bench.host.requests().len(), requests);
    assert!(bench.server.violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_replies_with_an_acknowledging_word_acknowledges_the_post() {
    let (bench, id) = posted(json!({})).await;
    assert!(bench.server.reply(&id, "bob", "who looks after this?"));
    assert_eq!(acknowledged(&bench).await, []);
    assert!(bench.server.reply(&id, "alice", "Mine, the disk is full"));
    let expected = by("alice", "Mine, the disk is full");
    assert_eq!(acknowledged(&bench).await, [("7".to_owned(), expected)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sign_or_by_no_person_does_not_acknowledge() {
    let server = Mattermost::builder().other_bot("greeter").start().await;
    let (bench, id) = posted_with(server, json!({})).await;
    assert!(bench.server.react(&id, BOT, "eyes"));
    assert!(bench.server.react(&id, "greeter", "eyes"));
    assert!(bench.server.react(&id, "alice", "fire"));
    assert!(bench.server.reply(&id, "greeter", "ack"));
    assert!(bench.server.reply(&id, "alice", "package?"));
    assert_eq!(acknowledged(&bench).await, []);
    // The account is looked up once.
    assert_eq!(asked(&bench, "/users/"), 1);
    assert!(bench.server.react(&id, "alice", "+1_dark_skin_tone"));
    assert_eq!(
        acknowledged(&bench).await[0].1,
        by("alice", ":+1_dark_skin_tone:")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_two_people_has_taken_over() {
    let (bench, id) = posted(json!({})).await;
    assert!(bench.server.reply(&id, "bob", "on it"));
    assert!(bench.server.react(&id, "alice", "eyes"));
    assert_eq!(
        acknowledged(&bench).await,
        [("7".to_owned(), by("bob", "on it"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_of_the_server_acknowledges_too() {
    let (bench, id) = posted(json!({"priority": "urgent", "requested_ack": true})).await;
    assert!(bench.server.acknowledge(&id, "alice"));
    assert_eq!(
        acknowledged(&bench).await,
        [("7".to_owned(), by("alice", ""))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signs_are_those_of_the_settings() {
    let extra = json!({"acknowledge_reactions": ["hand"], "acknowledge_words": ["übernehme"]});
    let (bench, id) = posted(extra).await;
    assert!(bench.server.react(&id, "bob", "eyes"));
    assert!(bench.server.reply(&id, "bob", "ack"));
    assert_eq!(acknowledged(&bench).await, []);
    assert!(bench.server.reply(&id, "alice", "Übernehme ich"));
    assert_eq!(
        acknowledged(&bench).await[0].1,
        by("alice", "Übernehme ich")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_answers_the_newest_post_of_its_thread_and_ends_them_all() {
    let (bench, root) = posted(json!({})).await;
    let reminder = post(&bench, &problem("8")).await;
    assert!(bench.server.reply(&root, "alice", "ack"));
    assert_eq!(
        acknowledged(&bench).await,
        [("8".to_owned(), by("alice", "ack"))]
    );
    assert!(bench.host.stored("watched").is_none());
    // What was said before a reminder does not answer it.
    let worse = post(&bench, &problem("9")).await;
    assert_eq!(acknowledged(&bench).await.len(), 1);
    assert!(bench.server.react(&reminder, "bob", "eyes"));
    assert_eq!(acknowledged(&bench).await.len(), 1);
    assert!(bench.server.react(&worse, "bob", "eyes"));
    assert_eq!(
        acknowledged(&bench).await[1],
        ("9".to_owned(), by("bob", ":eyes:"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_a_post_does_not_answer_it_on_older_servers_either() {
    let server = Mattermost::builder().errors(ErrorStyle::Old).start().await;
    let (bench, root) = posted_with(server, json!({})).await;
    assert!(bench.server.reply(&root, "alice", "ack"));
    assert_eq!(acknowledged(&bench).await.len(), 1);
    post(&bench, &problem("8")).await;
    assert_eq!(acknowledged(&bench).await.len(), 1);
    assert!(bench.server.reply(&root, "bob", "mine"));
    assert_eq!(
        acknowledged(&bench).await[1],
        ("8".to_owned(), by("bob", "mine"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_watched_after_a_restart_too() {
    let (bench, id) = posted(json!({})).await;
    bench.host.drop_tasks();
    let settings = bot(&bench.server.url(), &json!({}));
    let _again = bench.host.open::<Plugin>(&settings).await.unwrap();
    assert!(bench.server.react(&id, "alice", "eyes"));
    assert_eq!(
        acknowledged(&bench).await,
        [("7".to_owned(), by("alice", ":eyes:"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_incident_ends_or_was_taken_over_elsewhere_nothing_is_asked_for() {
    let ends = Sample::new("is back").incident("a").kind(Kind::Recovery);
    let taken = Sample::new("anna has taken over").incident("a");
    let taken = taken.attribute("acknowledged_by", "anna");
    for end in [ends.reference("8"), taken.reference("8")] {
        let (bench, id) = posted(json!({})).await;
        post(&bench, &end).await;
        assert!(bench.server.react(&id, "alice", "eyes"));
        assert_eq!(acknowledged(&bench).await, []);
        assert_eq!(asked(&bench, "/reactions"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_outside_incidents_stand_for_themselves() {
    let bench = bot_bench(Mattermost::start().await, json!({})).await;
    let first = post(&bench, &Sample::new("disk full").reference("7")).await;
    let second = post(&bench, &Sample::new("load high").reference("8")).await;
    let is_back = Sample::new("is back").kind(Kind::Recovery);
    post(&bench, &is_back.reference("9")).await;
    assert!(bench.server.react(&second, "alice", "eyes"));
    assert_eq!(
        acknowledged(&bench).await,
        [("8".to_owned(), by("alice", ":eyes:"))]
    );
    assert!(bench.server.reply(&first, "bob", "ack"));
    assert_eq!(
        acknowledged(&bench).await[1],
        ("7".to_owned(), by("bob", "ack"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_waits_for_it_or_it_is_switched_off_nothing_is_asked_for() {
    let (bench, _) = posted(json!({"acknowledge": false})).await;
    assert_eq!(acknowledged(&bench).await, []);
    let bench = bot_bench(Mattermost::start().await, json!({})).await;
    post(
        &bench,
        &Sample::new("down").incident("a").kind(Kind::Problem),
    )
    .await;
    assert_eq!(acknowledged(&bench).await, []);
    assert_eq!(asked(&bench, "/reactions"), 0);
    assert!(bench.host.stored("watched").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_asked_for_less_often_as_it_grows_older_and_then_given_up() {
    let (bench, _) = posted(json!({})).await;
    bench.host.run_tasks_for(Duration::from_secs(150)).await;
    assert_eq!(asked(&bench, "/reactions"), 10);
    bench.host.run_tasks_for(LONG_TIME).await;
    let all = asked(&bench, "/reactions");
    assert!((250..400).contains(&all), "{all}");
    assert!(bench.host.stored("watched").is_none());
    bench.host.run_tasks_for(LONG_TIME).await;
    assert_eq!(asked(&bench, "/reactions"), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_posts_share_the_requests_of_a_round() {
    let bench = bot_bench(Mattermost::start().await, json!({})).await;
    for number in 0..40 {
        let down = Sample::new("down").incident(&number.to_string());
        let down = down.kind(Kind::Problem).reference(&number.to_string());
        post(&bench, &down).await;
    }
    bench.host.run_tasks_for(Duration::from_secs(15)).await;
    assert_eq!(
        (asked(&bench, "/reactions"), asked(&bench, "/thread")),
        (10, 10)
    );
    // Each has its turn.
    let last = bench.server.messages().last().unwrap().id.clone();
    assert!(bench.server.react(&last, "alice", "eyes"));
    assert_eq!(
        acknowledged(&bench).await,
        [("39".to_owned(), by("alice", ":eyes:"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_has_trouble_it_is_asked_again_later() {
    let (bench, id) = posted(json!({})).await;
    assert!(bench.server.react(&id, "alice", "eyes"));
    bench.server.always(Broken::proxy_error(503));
    bench.host.run_tasks_for(Duration::from_secs(600)).await;
    // With a growing delay, and only one request each time.
    let tries = asked(&bench, "/reactions");
    assert!((4..9).contains(&tries), "{tries}");
    assert_eq!(asked(&bench, "/thread"), 0);
    bench.server.always(None);
    bench.host.run_tasks_for(Duration::from_secs(300)).await;
    assert_eq!(
        acknowledged(&bench).await,
        [("7".to_owned(), by("alice", ":eyes:"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_few_calls_are_left_they_are_left_for_posts() {
    // The lookup of the channel and ten posts use eleven.
    let server = Mattermost::builder().rate_limit(20).start().await;
    let bench = bot_bench(server, json!({})).await;
    for number in 0..10 {
        let down = Sample::new("down").incident(&number.to_string());
        let down = down.kind(Kind::Problem).reference(&number.to_string());
        post(&bench, &down).await;
    }
    bench.host.run_tasks_for(Duration::from_secs(15)).await;
    assert_eq!(asked(&bench, "/reactions") + asked(&bench, "/thread"), 4);
    let last = post(&bench, &problem("10")).await;
    bench.server.refill();
    assert!(bench.server.react(&last, "alice", "eyes"));
    assert_eq!(acknowledged(&bench).await[0].0, "10");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_gone_is_given_up_and_others_are_not() {
    let (bench, first) = posted(json!({})).await;
    let other = Sample::new("down").incident("b").kind(Kind::Problem);
    let second = post(&bench, &other.reference("8")).await;
    bench.server.delete(&first);
    bench.host.run_tasks_for(SOME_TIME).await;
    let asked_for_first = asked(&bench, &first);
    bench.host.run_tasks_for(SOME_TIME).await;
    assert_eq!(asked(&bench, &first), asked_for_first);
    assert!(bench.server.react(&second, "alice", "eyes"));
    assert_eq!(
        acknowledged(&bench).await,
        [("8".to_owned(), by("alice", ":eyes:"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_was_removed_from_the_channel_stops_asking() {
    let (bench, _) = posted(json!({})).await;
    bench.server.join(CHANNEL, false);
    bench.host.run_tasks_for(SOME_TIME).await;
    assert_eq!(asked(&bench, "/reactions"), 1);
    assert!(bench.host.stored("watched").is_none());
}
