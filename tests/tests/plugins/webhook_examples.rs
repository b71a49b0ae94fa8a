//! The examples of the webhook channel, as the services that they are for would take them.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

use std::{fs, path::Path};

use annunciator_sdk::testing::{FakeHost, Reply, Request, Sample, validate};
use annunciator_sdk::{Class, Kind, Outcome, Severity};
use annunciator_webhook::Webhook;
use serde_json::{Value, json};

/// What needs escaping wherever it is put.
const ODD: &str = "disk \"full\" <at> 95 % & rising\n\u{1f4a5}";

/// The settings of an example, with what it takes from the environment.
fn settings(name: &str, environment: &[(&str, &str)]) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/webhook/examples");
    let path = folder.join(format!("{name}.yaml"));
    let text = fs::read_to_string(path).expect("the example is there");
    let file: Value = serde_yaml::from_str(&text).expect("it is YAML");
    let mut settings = file
        .as_object()
        .expect("a channel")
        .values()
        .next()
        .expect("one")
        .clone();
    settings.as_object_mut().expect("a mapping").remove("type");
    let secrets = settings.get_mut("secrets").and_then(Value::as_object_mut);
    for (_, secret) in secrets.into_iter().flatten() {
        let variable = secret["env"].as_str().expect("from the environment");
        let (_, value) = environment
            .iter()
            .find(|(name, _)| *name == variable)
            .expect("said");
        *secret = json!(value);
    }
    settings
}

fn sample(kind: Kind) -> Sample {
    Sample::new(ODD)
        .title("prod-web-01 needs \"help\"")
        .host("prod-web-01")
        .incident("prod-web-01/disk")
        .severity(Severity::Critical)
        .kind(kind)
        .attribute("metric_path", "disk.used")
}

/// What an example asks for a message, and what it makes of the answer.
async fn notified(settings: &Value, kind: Kind, answer: Reply) -> (Request, Value, Outcome) {
    assert_eq!(validate::<Webhook>(settings).len(), 0, "{settings}");
    let host = FakeHost::new();
    host.reply(answer);
    let channel = host.open::<Webhook>(settings).await.expect("it opens");
    let outcome = channel.deliver(&sample(kind)).await.remove(0);
    let request = host.requests().remove(0);
    let body = serde_json::from_str(&request.body).expect("it is JSON");
    (request, body, outcome)
}

fn ok(body: &Value) -> Reply {
    Reply::status(200, &body.to_string())
}

#[tokio::test]
async fn slack_takes_a_text_with_three_characters_escaped() {
    let settings = settings("slack", &[("SLACK_WEBHOOK_PATH", "T1/B2/x3")]);
    let (request, body, outcome) =
        notified(&settings, Kind::Problem, Reply::status(200, "ok")).await;
    assert_eq!(request.url, "https://hooks.slack.com/services/T1/B2/x3");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let text =
        "*prod-web-01 needs \"help\"*\ndisk \"full\" &lt;at&gt; 95 % &amp; rising\n\u{1f4a5}";
    assert_eq!(body, json!({ "text": text }));
    assert_eq!(outcome.class(), Class::Delivered);
}

#[tokio::test]
async fn discord_takes_an_embed_that_mentions_nobody_and_says_how_long_to_wait() {
    let settings = settings("discord", &[("DISCORD_WEBHOOK_PATH", "1/abc")]);
    let busy = json!({"message": "You are being rate limited.", "retry_after": 64.57});
    let busy = Reply::status(429, &busy.to_string());
    let (request, body, outcome) = notified(&settings, Kind::Problem, busy).await;
    assert_eq!(
        request.url,
        "https://discord.com/api/webhooks/1/abc?wait=true"
    );
    assert_eq!(body["allowed_mentions"], json!({"parse": []}));
    let embed = &body["embeds"][0];
    assert_eq!(
        (&embed["description"], &embed["color"]),
        (&json!(ODD), &json!(15_158_332))
    );
    assert_eq!(outcome.class(), Class::Retry);
    assert_eq!(outcome.wait().map(|wait| wait.as_millis()), Some(64_570));
    assert!(outcome.raw().detail.contains("rate limited"));
    let (_, _, outcome) = notified(&settings, Kind::Problem, ok(&json!({"id": "99"}))).await;
    assert_eq!(
        (outcome.class(), outcome.raw().remote_id.as_str()),
        (Class::Delivered, "99")
    );
}

#[tokio::test]
async fn teams_takes_an_adaptive_card() {
    let url = "https://prod.example.com:443/workflows/1/triggers?sig=a%2Fb";
    let settings = settings("teams", &[("TEAMS_WORKFLOW_URL", url)]);
    let (request, body, outcome) = notified(&settings, Kind::Problem, Reply::status(202, "")).await;
    // The port is the scheme's own.
    assert_eq!(request.url, url.replace(":443", ""));
    let card = &body["attachments"][0]["content"];
    assert_eq!(
        (&body["type"], &card["type"]),
        (&json!("message"), &json!("AdaptiveCard"))
    );
    assert_eq!(card["body"][0]["color"], "attention");
    assert_eq!(card["body"][1]["text"], ODD);
    assert_eq!(outcome.class(), Class::Delivered);
}

#[tokio::test]
async fn ntfy_takes_a_message_for_a_topic() {
    let settings = settings("ntfy", &[("NTFY_TOPIC", "alerts"), ("NTFY_TOKEN", "tk_1")]);
    let (request, body, outcome) =
        notified(&settings, Kind::Recovery, ok(&json!({"id": "m1"}))).await;
    assert_eq!(request.header("authorization"), Some("Bearer tk_1"));
    assert_eq!(
        (&body["topic"], &body["message"]),
        (&json!("alerts"), &json!(ODD))
    );
    assert_eq!(body["priority"], 5);
    assert_eq!(body["tags"], json!(["white_check_mark"]));
    assert_eq!(outcome.raw().remote_id, "m1");
}

#[tokio::test]
async fn gotify_takes_a_message_and_says_why_not() {
    let settings = settings("gotify", &[("GOTIFY_TOKEN", "A1b2")]);
    let why = json!({"error": "Unauthorized", "errorCode": 401, "errorDescription": "you need to provide a valid access token A1b2"});
    let refusal = Reply::status(401, &why.to_string());
    let (request, body, outcome) = notified(&settings, Kind::Problem, refusal).await;
    assert_eq!(request.header("x-gotify-key"), Some("A1b2"));
    assert_eq!(body["priority"], 8);
    assert_eq!(outcome.class(), Class::Permanent);
    let detail = &outcome.raw().detail;
    assert!(detail.contains("a valid access token […]"), "{detail}");
}

#[tokio::test]
async fn telegram_says_in_its_answer_whether_it_took_it() {
    let environment = [("TELEGRAM_TOKEN", "1:AA-b_c"), ("TELEGRAM_CHAT", "-100")];
    let settings = settings("telegram", &environment);
    let sent = json!({"ok": true, "result": {"message_id": 17}});
    let (request, body, outcome) = notified(&settings, Kind::Problem, ok(&sent)).await;
    assert_eq!(
        request.url,
        "https://api.telegram.org/bot1:AA-b_c/sendMessage"
    );
    assert_eq!(body["chat_id"], "-100");
    assert_eq!(body["disable_notification"], false);
    assert_eq!(
        (outcome.class(), outcome.raw().remote_id.as_str()),
        (Class::Delivered, "17")
    );
    let refused =
        json!({"ok": false, "error_code": 400, "description": "Bad Request: chat not found"});
    let (_, _, outcome) = notified(&settings, Kind::Problem, ok(&refused)).await;
    assert_eq!(outcome.class(), Class::Permanent);
    assert!(outcome.raw().detail.contains("chat not found"));
    let busy = json!({"ok": false, "parameters": {"retry_after": 5}});
    let busy = Reply::status(429, &busy.to_string());
    let (_, _, outcome) = notified(&settings, Kind::Problem, busy).await;
    assert_eq!(outcome.wait().map(|wait| wait.as_secs()), Some(5));
}

#[tokio::test]
async fn pagerduty_is_notified_that_an_incident_is_over() {
    let settings = settings("pagerduty", &[("PAGERDUTY_ROUTING_KEY", "r0")]);
    for (kind, action) in [(Kind::Problem, "trigger"), (Kind::Recovery, "resolve")] {
        let taken = Reply::status(202, r#"{"status":"success","dedup_key":"d"}"#);
        let (_, body, outcome) = notified(&settings, kind, taken).await;
        assert_eq!(body["event_action"], action);
        assert_eq!(body["dedup_key"], "prod-web-01/disk");
        let payload = &body["payload"];
        assert_eq!(
            (&payload["severity"], &payload["source"]),
            (&json!("critical"), &json!("prod-web-01"))
        );
        assert_eq!(
            payload["custom_details"],
            json!({"metric_path": "disk.used"})
        );
        assert_eq!(outcome.class(), Class::Delivered);
    }
}

#[tokio::test]
async fn a_receiver_of_alertmanager_s_webhooks_finds_all_that_it_reads() {
    let settings = settings("alertmanager", &[]);
    for (kind, status) in [(Kind::Problem, "firing"), (Kind::Recovery, "resolved")] {
        let (_, body, outcome) = notified(&settings, kind, Reply::status(200, "")).await;
        assert_eq!(
            (&body["version"], &body["status"]),
            (&json!("4"), &json!(status))
        );
        let alert = &body["alerts"][0];
        assert_eq!(alert["status"], status);
        assert_eq!(alert["labels"]["instance"], "prod-web-01");
        assert_eq!(alert["annotations"]["description"], ODD);
        let is_over = alert["endsAt"] == alert["startsAt"];
        assert_eq!(is_over, kind == Kind::Recovery);
        assert_eq!(outcome.class(), Class::Delivered);
    }
}
