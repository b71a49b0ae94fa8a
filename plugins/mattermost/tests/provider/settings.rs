//! The validation of settings, and the check of a webhook.

use crate::standin::{bot, hook_bench, webhook};
use annunciator_mattermost::Mattermost as Plugin;
use annunciator_sdk::testing::validate;
use annunciator_sdk::{Proof, Provider as _, Severity};
use annunciator_testkit::http::Fault as Broken;
use annunciator_testkit::mattermost::{BOT_TOKEN, ErrorStyle, Mattermost};
use serde_json::{Value, json};

/// Checks the problems, written as `E field` for an error and `W field` for a warning.
fn check(settings: &Value, expected: &[&str]) {
    let found = validate::<Plugin>(settings);
    let seen: Vec<String> = found
        .iter()
        .map(|problem| {
            let level = if problem.is_error() { 'E' } else { 'W' };
            format!("{level} {}", problem.path())
        })
        .collect();
    assert_eq!(seen, expected, "{settings}: {found:?}");
}

fn check_hook(extra: Value, expected: &[&str]) {
    check(&webhook("c.example", &extra), expected);
}

fn check_bot(extra: Value, expected: &[&str]) {
    check(&bot("c.example", &extra), expected);
}

#[test]
fn when_settings_are_good_nothing_is_reported() {
    check_hook(json!({}), &[]);
    check_hook(json!({"host": "c.example:8065", "channel": "#ops"}), &[]);
    check_hook(json!({"host": "https://c.example/mm"}), &[]);
    check_hook(json!({"host": "127.0.0.1", "scheme": "http"}), &[]);
    check_hook(json!({"channel": "@alice.b", "icon_emoji": "fire"}), &[]);
    check_hook(
        json!({"username": "hb", "icon": "https://e.example/i.png"}),
        &[],
    );
    check_hook(
        json!({"priority": "urgent", "persistent_notifications": true}),
        &[],
    );
    check_bot(json!({"mentions": "allow"}), &[]);
    check_bot(json!({"acknowledge": true, "acknowledge_words": []}), &[]);
    check_bot(json!({"acknowledge": false}), &[]);
    check_hook(json!({"acknowledge": false}), &[]);
}

#[test]
fn when_a_token_is_a_placeholder_it_is_only_a_warning() {
    check_hook(json!({"token": "your-webhook-token"}), &["W token"]);
    check_hook(json!({"token": "abc123def456ghi789"}), &["W token"]);
    check_bot(json!({"bot_token": "your-bot-token"}), &["W bot_token"]);
}

#[test]
fn when_the_server_would_refuse_it_it_is_an_error() {
    for (extra, expected) in [
        (json!({"host": ""}), "E host"),
        (json!({"host": "https://c.example/hooks/x"}), "E host"),
        (
            json!({"host": "https://c.example", "scheme": "http"}),
            "E scheme",
        ),
        (json!({"token": " "}), "E token"),
        (json!({"token": null}), "E token"),
        (json!({"channel": ""}), "E channel"),
        (json!({"channel": "Devops Alerts"}), "E channel"),
        (json!({"channel": "DevOps"}), "E channel"),
        (json!({"channel": "@"}), "E channel"),
        (json!({"icon": "fire"}), "E icon"),
        (
            json!({"icon": "https://e.example/i", "icon_emoji": "fire"}),
            "E icon_emoji",
        ),
        (json!({"colors": {"info": "red"}}), "E colors.info"),
        (
            json!({"priority": "urgent", "priorities": {}}),
            "E priorities",
        ),
        (json!({"requested_ack": true}), "E requested_ack"),
        (
            json!({"priority": "important", "persistent_notifications": true}),
            "E persistent_notifications",
        ),
        (json!({"post_type": "system_join"}), "E post_type"),
        (json!({"mentions": "some"}), "E mentions"),
        (json!({"chanel": "x"}), "E chanel"),
        (
            json!({"bot_token": BOT_TOKEN, "team": "ops"}),
            "E bot_token",
        ),
        (json!({"acknowledge": true}), "E acknowledge"),
    ] {
        check_hook(extra, &[expected]);
    }
    for (extra, expected) in [
        (json!({"team": null}), "E team"),
        (json!({"team": "The Team"}), "E team"),
        (json!({"channel": "@alice"}), "E channel"),
        (json!({"post_type": "custom_x"}), "E post_type"),
        (
            json!({"acknowledge_reactions": [], "acknowledge_words": [" "]}),
            "E acknowledge_reactions",
        ),
        (
            json!({"acknowledge_words": ["ack", "a".repeat(65)]}),
            "E acknowledge_words[1]",
        ),
    ] {
        check_bot(extra, &[expected]);
    }
}

#[test]
fn when_it_is_likely_a_mistake_it_is_a_warning() {
    check_hook(json!({"scheme": "http"}), &["W scheme"]);
    check_hook(json!({"host": "http://c.example"}), &["W host"]);
    check_hook(json!({"team": "ops"}), &["W team"]);
    check_bot(json!({"username": "x"}), &["W username"]);
    let words = json!({"acknowledge_words": ["ack"]});
    check_hook(words, &["W acknowledge_words"]);
    let off = json!({"acknowledge": false, "acknowledge_reactions": ["eyes"]});
    check_bot(off, &["W acknowledge_reactions"]);
}

#[test]
fn only_a_bot_that_asks_can_prove_an_acknowledgement() {
    let proofs = |settings: Value| Plugin::proofs(&serde_json::from_value(settings).unwrap());
    let by_bot = proofs(bot("c.example", &json!({})));
    let silent = proofs(bot("c.example", &json!({"acknowledge": false})));
    let by_hook = proofs(webhook("c.example", &json!({})));
    for severity in Severity::ALL {
        assert_eq!(by_bot.of(severity), Some(Proof::Acknowledged));
        assert_eq!((silent.of(severity), by_hook.of(severity)), (None, None));
    }
    assert_eq!(silent.hints().next(), Some(("acknowledge", "true")));
    assert_eq!(by_hook.hints().next().map(|hint| hint.0), Some("bot_token"));
}

#[test]
fn when_a_display_name_is_given_the_likely_name_is_offered() {
    let found = validate::<Plugin>(&webhook("c.example", &json!({"channel": "Devops Alerts"})));
    let printed = format!("{found:?}");
    assert!(printed.contains("perhaps devops-alerts"), "{printed}");
}

#[test]
fn when_a_type_is_wrong_no_secret_is_reported() {
    let extra = json!({"token": {"canary": 1}});
    let found = validate::<Plugin>(&webhook("c.example", &extra));
    assert!(!found.is_empty());
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn when_a_field_is_a_secret_the_schema_marks_it_and_all_are_described() {
    let schema = schemars::schema_for!(<Plugin as annunciator_sdk::Provider>::Config);
    let fields = schema.as_value()["properties"].as_object().cloned();
    for (name, field) in fields.into_iter().flatten() {
        let secret = ["token", "bot_token"].contains(&name.as_str());
        assert_eq!(field["writeOnly"] == true, secret, "{name}: {field}");
        assert!(field["description"].is_string(), "{name}");
    }
}

#[test]
fn when_the_example_is_copied_it_names_every_required_field() {
    for field in ["host", "token", "channel"] {
        assert!(Plugin::EXAMPLE.contains(field));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_webhook_is_checked_nothing_is_posted() {
    for style in [ErrorStyle::Old, ErrorStyle::Current] {
        let server = Mattermost::builder().errors(style).locked().start().await;
        let bench = hook_bench(server, json!({})).await;
        let found = bench.channel.check().await;
        let unknown = "only the first message will show whether it may post to ";
        assert!(
            found.is_ok() && found.detail().contains(unknown),
            "{found:?}"
        );
        assert!(bench.server.messages().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_webhook_would_not_work_the_check_says_why() {
    let wrong = json!({"token": "x".repeat(26)});
    let placeholder = json!({"token": "your-webhook-token"});
    let disabled = Mattermost::builder().webhooks(false);
    for (builder, extra, hint) in [
        (
            Mattermost::builder(),
            wrong,
            "check token: it is the part after /hooks/ of the webhook's address",
        ),
        (Mattermost::builder(), placeholder, "the token's shape"),
        (disabled, json!({}), "administrator"),
    ] {
        let bench = hook_bench(builder.start().await, extra).await;
        let found = bench.channel.check().await;
        assert!(!found.is_ok());
        assert!(found.raw().hint.contains(hint), "{found:?}");
    }
    let bench = hook_bench(Mattermost::start().await, json!({})).await;
    bench.server.fault(Broken::html_page());
    let found = bench.channel.check().await;
    assert!(!found.is_ok());
    assert!(found.raw().hint.contains("proxy"), "{found:?}");
}
