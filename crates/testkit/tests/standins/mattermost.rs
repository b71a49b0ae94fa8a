//! The stand-in of Mattermost, webhook: the order of the checks, the modes of
//! a server, and what is done to text.

use crate::raw;
use annunciator_testkit::http::Fault;
use annunciator_testkit::mattermost::{Builder, CHANNEL, ErrorStyle, HOOK, Mattermost};
use serde_json::{Value, json};

const JSON: &str = "content-type: application/json";

async fn post(server: &Mattermost, hook: &str, payload: &Value) -> raw::Reply {
    let body = payload.to_string();
    let path = format!("/hooks/{hook}");
    raw::send(server.address(), "POST", &path, &[JSON], body.as_bytes())
        .await
        .unwrap()
}

/// Sends one payload to a server of the old style and answers status and id.
async fn check(builder: Builder, payload: Value, status: u16, id: &str) {
    let server = builder.errors(ErrorStyle::Old).start().await;
    let reply = post(&server, HOOK, &payload).await;
    assert_eq!(reply.status, status, "{payload}: {}", reply.body);
    if status == 200 {
        assert_eq!(reply.body, "ok");
        return;
    }
    let body = reply.json();
    assert_eq!(body["id"], format!("web.incoming_webhook.{id}.app_error"));
    assert_eq!(body["status_code"], status);
    assert!(body["request_id"].is_string());
    assert!(server.messages().is_empty());
}

fn server() -> Builder {
    Mattermost::builder()
}

#[tokio::test]
async fn when_a_payload_is_wrong_an_old_server_names_the_cause() {
    for (payload, status, id) in [
        (json!("no object"), 400, "parse"),
        (json!({}), 400, "text"),
        (json!({"attachments": []}), 400, "text"),
        (json!({"text": "x", "channel": "@nobody"}), 400, "user"),
        (
            json!({"text": "x", "channel": "Devops Alerts"}),
            404,
            "channel",
        ),
        (json!({"text": "x", "priority": {}}), 400, "priority"),
        (
            json!({"text": "x", "props": {"card": "c".repeat(250_000)}}),
            200,
            "",
        ),
        (json!({"text": "x", "root_id": "ignored"}), 200, ""),
        (json!({"text": "x", "channel": "#devops-alerts"}), 200, ""),
        (json!({"text": "x", "channel": "@alice"}), 200, ""),
    ] {
        check(server(), payload, status, id).await;
    }
    let long = json!({"text": "x", "props": {"card": "c".repeat(800_001)}});
    let roomy = server().payload_limit(1_000_000);
    check(roomy, long, 400, "split_props_length").await;
}

#[tokio::test]
async fn when_a_server_is_set_up_otherwise_it_refuses() {
    let text = || json!({"text": "x"});
    let other = || json!({"text": "x", "channel": "other"});
    check(server().webhooks(false), json!({}), 501, "disabled").await;
    check(
        server().locked().channel("other"),
        other(),
        403,
        "channel_locked",
    )
    .await;
    check(server().locked().channel("other"), text(), 200, "").await;
    check(server().creators_gone(), text(), 403, "user").await;
    let private = server().private_channel("other", false);
    check(private, other(), 403, "permissions").await;
    check(server().private_channel("other", true), other(), 200, "").await;
    check(server().hook(HOOK, "gone"), text(), 404, "channel").await;
}

#[tokio::test]
async fn when_the_hook_is_unknown_the_text_is_checked_first() {
    let server = server().errors(ErrorStyle::Old).start().await;
    let unknown = post(&server, "nosuchhook", &json!({"text": "x"})).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(
        unknown.json()["id"],
        "web.incoming_webhook.invalid.app_error"
    );
    let empty = post(&server, "nosuchhook", &json!({})).await;
    assert_eq!(empty.json()["id"], "web.incoming_webhook.text.app_error");
}

#[tokio::test]
async fn when_the_server_is_current_its_message_holds_the_hook() {
    let server = Mattermost::start().await;
    let reply = post(&server, HOOK, &json!({"text": "x", "channel": "gone"})).await;
    assert_eq!(reply.status, 404);
    let body = reply.json();
    assert_eq!(body["id"], "web.incoming_webhook.general.app_error");
    assert!(body["message"].as_str().unwrap().contains(HOOK));
    assert_eq!(body["detailed_error"], "");
}

#[tokio::test]
async fn when_the_path_is_no_webhook_a_page_comes() {
    let server = Mattermost::start().await;
    for (method, path, status) in [
        ("GET", "/hooks/anything", 200),
        ("POST", "/hooks/your-webhook-token", 404),
        ("POST", "/hooks/", 404),
        ("POST", "/elsewhere", 404),
    ] {
        let reply = raw::send(server.address(), method, path, &[], b"{}").await;
        let reply = reply.unwrap();
        assert_eq!(reply.status, status, "{method} {path}");
        assert!(reply.body.contains("<html"));
    }
    let below = self::server().base_path("/chat").start().await;
    assert_eq!(post(&below, HOOK, &json!({"text": "x"})).await.status, 404);
    let path = format!("/chat/hooks/{HOOK}");
    let reply = raw::send(below.address(), "POST", &path, &[], br#"{"text":"x"}"#).await;
    assert_eq!(reply.unwrap().body, "ok");
}

#[tokio::test]
async fn when_the_body_is_a_form_or_sloppy_json_it_is_read() {
    let server = Mattermost::start().await;
    let path = format!("/hooks/{HOOK}");
    let form = "content-type: application/x-www-form-urlencoded";
    let part = "content-type: multipart/form-data; boundary=X";
    for (kind, body) in [
        (form, "payload=%7B%22text%22%3A%22form%22%7D"),
        (
            part,
            "--X\r\ncontent-disposition: form-data; name=\"payload\"\r\n\r\n{\"text\":\"part\"}\r\n--X--\r\n",
        ),
        (JSON, "{\"text\":\"raw\nline\"}"),
        ("x-none: 1", "{\"text\":\"bare\"}"),
    ] {
        let reply = raw::send(server.address(), "POST", &path, &[kind], body.as_bytes()).await;
        assert_eq!(reply.unwrap().body, "ok", "{kind}");
    }
    let texts: Vec<String> = server.messages().into_iter().map(|p| p.message).collect();
    assert_eq!(texts, ["form", "part", "raw\nline", "bare"]);
}

#[tokio::test]
async fn when_the_body_is_above_the_payload_limit_it_is_413() {
    let server = server().payload_limit(100).start().await;
    let reply = post(&server, HOOK, &json!({"text": "x".repeat(100)})).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn when_overrides_are_off_name_and_icon_are_ignored_in_silence() {
    let payload = json!({"text": "x", "username": "hb", "icon_url": "https://a.example/i.png",
        "props": {"card": "more", "override_username": "sly"}});
    let on = Mattermost::start().await;
    post(&on, HOOK, &payload).await;
    let stored = &on.messages()[0];
    assert_eq!(stored.username(), Some("hb"));
    assert_eq!(stored.icon_url(), Some("https://a.example/i.png"));
    assert_eq!(stored.props["card"], "more");
    let off = server().overrides(false).start().await;
    assert_eq!(post(&off, HOOK, &payload).await.body, "ok");
    assert_eq!(off.messages()[0].username(), None);
    assert_eq!(off.messages()[0].icon_url(), None);
}

#[tokio::test]
async fn when_the_rate_limit_is_on_every_answer_has_its_headers() {
    let server = server().rate_limit(1).start().await;
    let first = post(&server, HOOK, &json!({"text": "1"})).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-remaining"), Some("0"));
    let second = post(&server, HOOK, &json!({"text": "2"})).await;
    assert_eq!(
        (second.status, second.body.as_str()),
        (429, "limit exceeded")
    );
    assert_eq!(second.header("retry-after"), Some("2"));
    assert_eq!(second.header("x-ratelimit-reset"), Some("2"));
    server.refill();
    assert_eq!(post(&server, HOOK, &json!({"text": "3"})).await.status, 200);
}

#[tokio::test]
async fn when_text_is_long_it_is_split_and_a_later_part_may_fail() {
    let server = Mattermost::start().await;
    let payload = json!({"text": "ü".repeat(16_384), "attachments": [{"text": "a"}]});
    assert_eq!(post(&server, HOOK, &payload).await.body, "ok");
    let posts = server.wait_for(2).await.unwrap();
    assert_eq!(posts[0].message.chars().count(), 16_383);
    assert!(posts[0].attachments().is_empty());
    assert_eq!(posts[1].message, "ü");
    assert_eq!(posts[1].attachments().len(), 1);
    server.fail_post(1);
    assert_eq!(post(&server, HOOK, &payload).await.status, 500);
    assert_eq!(server.messages().len(), 3);
}

#[tokio::test]
async fn when_a_channel_is_archived_it_is_500_for_a_webhook() {
    let server = Mattermost::start().await;
    server.archive(CHANNEL);
    assert_eq!(post(&server, HOOK, &json!({"text": "x"})).await.status, 500);
}

#[tokio::test]
async fn when_names_are_mentioned_in_text_or_attachment_they_are_seen() {
    let server = Mattermost::start().await;
    let payload = json!({"text": "<!channel> @alice", "attachments": [{"pretext": "@here"}]});
    post(&server, HOOK, &payload).await;
    let mentions = server.messages()[0].mentions();
    assert_eq!(mentions, ["channel", "alice", "here"]);
}

#[tokio::test]
async fn when_a_proxy_answers_with_a_page_nothing_is_stored() {
    let server = Mattermost::start().await;
    server.fault(Fault::html_page());
    let reply = post(&server, HOOK, &json!({"text": "x"})).await;
    assert_eq!(reply.status, 200);
    assert_ne!(reply.body, "ok");
    assert!(server.messages().is_empty());
}
