//! The stand-in of Pushover: each rule of the service, and each fault.

use std::time::Duration;

use crate::raw;
use annunciator_testkit::http::Fault;
use annunciator_testkit::pushover::{Pushover, Quota, TOKEN, USER, Violation};
use serde_json::{Value, json};

const FORM: &str = "content-type: application/x-www-form-urlencoded";
const JSON: &str = "content-type: application/json";

async fn post(service: &Pushover, path: &str, fields: &Value) -> raw::Reply {
    let body = fields.to_string();
    raw::send(service.address(), "POST", path, &[JSON], body.as_bytes())
        .await
        .unwrap()
}

fn with(extra: Value) -> Value {
    let mut fields = json!({"token": TOKEN, "user": USER, "message": "disk full"});
    for (name, value) in extra.as_object().unwrap() {
        fields[name] = value.clone();
    }
    fields
}

/// Sends one message with these fields on a service of its own and answers
/// the status and the parameter that is named.
async fn check(extra: Value, status: u16, parameter: &str) {
    let service = Pushover::start().await;
    let reply = post(&service, "/1/messages.json", &with(extra.clone())).await;
    assert_eq!(reply.status, status, "{extra}: {}", reply.body);
    let body = reply.json();
    if status == 200 {
        assert_eq!(body["status"], 1);
        assert_eq!(service.messages().len(), 1);
    } else {
        assert_eq!(body["status"], 0, "{extra}");
        assert!(body["request"].is_string());
        assert!(body["errors"][0].is_string());
        assert!(body[parameter].is_string(), "{extra}: {body}");
        assert!(service.messages().is_empty());
    }
}

#[tokio::test]
async fn when_a_parameter_is_wrong_it_is_named() {
    for (extra, parameter) in [
        (json!({"token": "x".repeat(30)}), "token"),
        (json!({"token": ""}), "token"),
        (json!({"user": "nobody"}), "user"),
        (
            json!({"user": format!("{USER},{}", "x".repeat(30))}),
            "user",
        ),
        (json!({"message": ""}), "message"),
        (json!({"message": " \n"}), "message"),
        (json!({"message": "ü".repeat(1025)}), "message"),
        (json!({"title": "t".repeat(251)}), "title"),
        (json!({"url": "u".repeat(513)}), "url"),
        (json!({"url_title": "u".repeat(101)}), "url_title"),
        (json!({"priority": 3}), "priority"),
        (json!({"priority": "high"}), "priority"),
        (json!({"priority": 2}), "expire"),
        (json!({"priority": 2, "expire": 60}), "retry"),
        (json!({"priority": 2, "expire": 60, "retry": 29}), "retry"),
        (
            json!({"priority": 2, "expire": 10801, "retry": 30}),
            "expire",
        ),
        (
            json!({"priority": 2, "expire": 60, "retry": 30, "callback": "x"}),
            "callback",
        ),
        (json!({"html": 1, "monospace": 1}), "monospace"),
        (json!({"device": "my phone"}), "device"),
        (json!({"device": "x".repeat(26)}), "device"),
        (json!({"sound": "trumpet"}), "sound"),
        (json!({"ttl": 0}), "ttl"),
        (json!({"timestamp": "yesterday"}), "timestamp"),
        (json!({"attachment_base64": "%"}), "attachment_base64"),
        (
            json!({"attachment_base64": "AAAA", "attachment_type": "text/plain"}),
            "attachment",
        ),
    ] {
        check(extra, 400, parameter).await;
    }
}

#[tokio::test]
async fn when_every_limit_is_just_kept_it_is_accepted() {
    for extra in [
        json!({"message": "ü".repeat(1024), "title": "t".repeat(250)}),
        json!({"url": "u".repeat(512), "url_title": "u".repeat(100)}),
        json!({"priority": -2}),
        json!({"priority": 2, "expire": 10800, "retry": 30, "tags": "a,b"}),
        json!({"device": "droid2,unknown-one", "sound": "siren", "ttl": 1}),
        json!({"html": 1, "timestamp": 1_700_000_000}),
        json!({"attachment_base64": "AAAA", "attachment_type": "image/png"}),
    ] {
        check(extra, 200, "").await;
    }
}

#[tokio::test]
async fn when_the_form_is_url_encoded_or_multipart_it_is_read_as_well() {
    let service = Pushover::start().await;
    let body = format!("token={TOKEN}&user={USER}&message=a%20b+c&title=%C3%BC");
    let reply = raw::send(
        service.address(),
        "POST",
        "/1/messages.json",
        &[FORM],
        body.as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut body = String::new();
    for (name, value) in [("token", TOKEN), ("user", USER), ("message", "m")] {
        body.push_str(&format!(
            "--X\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(
        "--X\r\ncontent-disposition: form-data; name=\"attachment\"; filename=\"a.png\"\r\n\
         content-type: image/png\r\n\r\nPNG\r\n--X--\r\n",
    );
    let kind = ["content-type: multipart/form-data; boundary=X"];
    let reply = raw::send(
        service.address(),
        "POST",
        "/1/messages.json",
        &kind,
        body.as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    let messages = service.wait_for(2).await.unwrap();
    assert_eq!(messages[0].text(), "a b c");
    assert_eq!(messages[0].title(), Some("ü"));
    assert_eq!(messages[1].attachment.as_ref().unwrap().bytes, b"PNG");
}

#[tokio::test]
async fn when_the_path_or_method_is_wrong_it_is_404_or_405() {
    let service = Pushover::start().await;
    for (method, path, status) in [
        ("GET", "/1/messages.json", 405),
        ("POST", "/1/messages", 404),
        ("POST", "/", 404),
    ] {
        let reply = raw::send(service.address(), method, path, &[], b"").await;
        assert_eq!(reply.unwrap().status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn when_a_secret_is_in_the_query_it_is_refused_and_remembered() {
    let service = Pushover::start().await;
    let path = format!("/1/messages.json?token={TOKEN}");
    assert_eq!(post(&service, &path, &with(json!({}))).await.status, 400);
    assert_eq!(
        service.violations(),
        [Violation::SecretInQuery("/1/messages.json".to_owned())]
    );
}

#[tokio::test]
async fn when_the_quota_is_used_up_the_answer_is_429_with_the_reset() {
    let quota = Quota {
        limit: 10,
        remaining: 1,
        reset: 4_000_000_000,
    };
    let service = Pushover::builder().quota(quota).start().await;
    let first = post(&service, "/1/messages.json", &with(json!({}))).await;
    assert_eq!(first.header("x-limit-app-remaining"), Some("0"));
    let second = post(&service, "/1/messages.json", &with(json!({}))).await;
    assert_eq!(second.status, 429);
    assert_eq!(second.header("x-limit-app-limit"), Some("10"));
    assert_eq!(second.header("x-limit-app-reset"), Some("4000000000"));
    assert_eq!(second.json()["status"], 0);
    assert_eq!(service.messages().len(), 1);
}

#[tokio::test]
async fn when_a_failed_request_comes_again_at_once_it_is_a_violation() {
    let service = Pushover::start().await;
    service.fault(Fault::proxy_error(503));
    post(&service, "/1/messages.json", &with(json!({}))).await;
    assert!(service.violations().is_empty());
    post(&service, "/1/messages.json", &with(json!({}))).await;
    assert_eq!(service.violations(), [Violation::RepeatedTooSoon(503)]);
}

#[tokio::test]
async fn when_three_connections_are_in_use_it_is_a_violation() {
    let service = Pushover::start().await;
    service.always(Fault::SilentAfterStoring);
    let mut waiting = Vec::new();
    for count in 1..=3 {
        let (address, fields) = (service.address(), with(json!({})).to_string());
        waiting.push(tokio::spawn(async move {
            let path = "/1/messages.json";
            raw::send(address, "POST", path, &[JSON], fields.as_bytes()).await
        }));
        service.wait_for(count).await.unwrap();
    }
    service.always(None);
    post(&service, "/1/messages.json", &with(json!({}))).await;
    assert_eq!(service.violations(), [Violation::TooManyConnections(4)]);
    for client in waiting {
        client.abort();
    }
}

#[tokio::test]
async fn when_an_emergency_is_sent_its_receipt_can_be_followed() {
    let service = Pushover::builder().pause(Duration::ZERO).start().await;
    let fields = with(json!({"priority": 2, "expire": 600, "retry": 30, "tags": "inc-1"}));
    let sent = post(&service, "/1/messages.json", &fields).await.json();
    let receipt = sent["receipt"].as_str().unwrap();
    assert_eq!(receipt.len(), 30);
    let address = service.address();
    let poll = async |token: &str, id: &str| {
        let path = format!("/1/receipts/{id}.json?token={token}");
        raw::send(address, "GET", &path, &[], b"").await.unwrap()
    };
    assert_eq!(poll(TOKEN, receipt).await.json()["acknowledged"], 0);
    assert!(service.acknowledge(receipt, USER, "droid2"));
    let seen = poll(TOKEN, receipt).await.json();
    assert_eq!(seen["acknowledged"], 1);
    assert_eq!(seen["acknowledged_by"], USER);
    assert_eq!(seen["acknowledged_by_device"], "droid2");
    assert!(service.expire(receipt));
    assert_eq!(poll(TOKEN, receipt).await.json()["expired"], 1);
    assert_eq!(poll(TOKEN, "nothing").await.status, 404);
    assert_eq!(poll("other", receipt).await.status, 400);
    assert!(service.violations().is_empty());
}

#[tokio::test]
async fn when_a_receipt_is_polled_twice_at_once_it_is_a_violation() {
    let service = Pushover::start().await;
    let path = format!("/1/receipts/r.json?token={TOKEN}");
    for _ in 0..2 {
        raw::send(service.address(), "GET", &path, &[], b"")
            .await
            .unwrap();
    }
    let polled = Violation::PolledTooSoon("r".to_owned());
    assert!(service.violations().contains(&polled));
}

#[tokio::test]
async fn when_cancelled_by_receipt_or_tag_the_emergency_ends() {
    let service = Pushover::start().await;
    let mut receipts = Vec::new();
    for tags in ["inc-1,disk", "inc-2"] {
        let fields = with(json!({"priority": 2, "expire": 600, "retry": 30, "tags": tags}));
        let sent = post(&service, "/1/messages.json", &fields).await.json();
        receipts.push(sent["receipt"].as_str().unwrap().to_owned());
    }
    let token = json!({"token": TOKEN});
    let tagged = post(&service, "/1/receipts/cancel_by_tag/disk.json", &token).await;
    assert_eq!(
        (tagged.status, &tagged.json()["canceled"]),
        (200, &json!(1))
    );
    assert!(service.receipt(&receipts[0]).unwrap().cancelled);
    assert!(!service.receipt(&receipts[1]).unwrap().cancelled);
    let path = format!("/1/receipts/{}/cancel.json", receipts[1]);
    assert_eq!(post(&service, &path, &json!({})).await.status, 400);
    assert_eq!(post(&service, &path, &token).await.status, 200);
    assert!(service.receipt(&receipts[1]).unwrap().cancelled);
}

#[tokio::test]
async fn when_a_user_is_validated_nothing_is_delivered() {
    let group = "g".repeat(30);
    let service = Pushover::builder().group(&group).start().await;
    let path = "/1/users/validate.json";
    let good = post(&service, path, &json!({"token": TOKEN, "user": USER})).await;
    assert_eq!(good.status, 200);
    assert_eq!(good.json()["devices"], json!(["droid2", "iphone"]));
    let whole = post(&service, path, &json!({"token": TOKEN, "user": group})).await;
    assert_eq!(whole.json()["group"], 1);
    let device = json!({"token": TOKEN, "user": USER, "device": "tablet"});
    let bad = post(&service, path, &device).await;
    assert_eq!(bad.status, 400);
    assert!(bad.json()["device"].is_string());
    let unknown = post(&service, path, &json!({"token": TOKEN, "user": "x"})).await;
    assert_eq!(unknown.json()["user"], "invalid");
    assert!(service.messages().is_empty());
}

#[tokio::test]
async fn when_sounds_and_limits_are_asked_for_they_come() {
    let service = Pushover::builder().sound("horn").start().await;
    let get = async |path: &str| {
        let path = format!("{path}?token={TOKEN}");
        raw::send(service.address(), "GET", &path, &[], b"")
            .await
            .unwrap()
            .json()
    };
    assert_eq!(get("/1/sounds.json").await["sounds"]["horn"], "horn");
    assert_eq!(get("/1/apps/limits.json").await["remaining"], 10_000);
}
