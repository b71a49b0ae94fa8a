//! Requests that templates produce, and that no message can turn into others.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

use annunciator_sdk::Outcome;
use annunciator_sdk::testing::{FakeHost, Reply, Request, Sample};
use annunciator_webhook::Webhook;
use serde_json::{Value, json};

async fn deliver(settings: Value, sample: &Sample, answer: Reply) -> (Option<Request>, Outcome) {
    let host = FakeHost::new();
    host.reply(answer);
    let channel = host.open::<Webhook>(&settings).await.expect("it opens");
    let outcome = channel.deliver(sample).await.remove(0);
    (host.requests().pop(), outcome)
}

async fn request(settings: Value, sample: &Sample) -> Request {
    let (request, _) = deliver(settings, sample, Reply::status(200, "")).await;
    request.expect("it was made")
}

#[tokio::test]
async fn without_a_body_all_that_is_known_is_sent() {
    let sample = Sample::new("x").attribute("a", "b");
    let request = request(json!({"url": "https://e.example/hook"}), &sample).await;
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://e.example/hook")
    );
    let body: Value = serde_json::from_str(&request.body).expect("it is JSON");
    assert_eq!(
        (&body["body"], &body["attributes"]["a"]),
        (&json!("x"), &json!("b"))
    );
}

#[tokio::test]
async fn a_message_cannot_break_out_of_any_place() {
    let evil = "\"},\"x\":{\"</b>&a=b\r\nX-Evil: 1\n../?#@e";
    let sample = Sample::new(evil).host(evil);
    let settings = json!({
        "url": "https://e.example/{{ host }}?q={{ host }}",
        "headers": {"X-Host": "{{ host }}"},
        "body": "{\"text\": {{ body }}}",
    });
    let made = request(settings, &sample).await;
    assert!(
        made.url.starts_with("https://e.example/%22%7D"),
        "{}",
        made.url
    );
    assert!(!made.url.contains('#') && made.url.matches('?').count() == 1);
    assert_eq!(made.header("x-evil"), None);
    let header = made.header("x-host").expect("it is there");
    assert!(!header.contains('\n') && !header.contains('\r'), "{header}");
    let body: Value = serde_json::from_str(&made.body).expect("it is JSON");
    assert_eq!(body, json!({ "text": evil }));
    for (content_type, template, expected) in [
        ("application/x-www-form-urlencoded", "t={{ body }}&u=1", 1),
        ("text/html", "<b>{{ body }}</b>", 1),
    ] {
        let settings =
            json!({"url": "https://e.example/", "content_type": content_type, "body": template});
        let made = request(settings, &sample).await;
        assert_eq!(
            made.body.matches("</b>").count() + made.body.matches("&u").count(),
            expected,
            "{}",
            made.body
        );
    }
    let plain =
        json!({"url": "https://e.example/", "content_type": "text/plain", "body": "{{ body }}"});
    assert_eq!(request(plain, &sample).await.body, evil);
}

#[tokio::test]
async fn a_body_is_signed_as_it_is_sent() {
    let settings = json!({
        "url": "https://e.example/",
        "content_type": "text/plain",
        "body": "what do ya want for nothing?",
        "sign": {"key": "Jefe", "header": "X-Hub-Signature-256", "prefix": "sha256="},
    });
    let made = request(settings, &Sample::new("x")).await;
    let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(made.header("X-Hub-Signature-256"), Some(expected));
}

#[tokio::test]
async fn a_check_delivers_nothing() {
    let host = FakeHost::new();
    host.answer_with(|_| Reply::status(405, ""));
    let settings = json!({"url": "https://e.example/hook"});
    let channel = host.open::<Webhook>(&settings).await.expect("it opens");
    let check = channel.check().await;
    let unknown = "(HTTP 405); only the first message will show whether it accepts messages";
    assert!(
        check.is_ok() && check.detail().ends_with(unknown),
        "{check:?}"
    );
    let settings = json!({"url": "https://e.example/hook", "check_url": "https://e.example/me", "headers": {"Authorization": "Bearer x"}});
    let channel = host.open::<Webhook>(&settings).await.expect("it opens");
    assert!(!channel.check().await.is_ok());
    let requests = host.requests();
    let asked: Vec<_> = requests
        .iter()
        .map(|request| (&*request.method, &*request.url))
        .collect();
    assert_eq!(
        asked,
        [
            ("OPTIONS", "https://e.example/hook"),
            ("GET", "https://e.example/me")
        ]
    );
    assert_eq!(requests[1].header("authorization"), Some("Bearer x"));
    assert!(requests.iter().all(|request| request.body.is_empty()));
}
