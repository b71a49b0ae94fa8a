//! Failures: statuses, lost connections, answers that are garbage, and messages of which no request
//! can be made.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

use annunciator_sdk::testing::{FakeHost, Reply, Sample};
use annunciator_sdk::{Class, Fault, HostErrorKind, Outcome};
use annunciator_webhook::Webhook;
use serde_json::{Value, json};

async fn deliver(settings: Value, sample: &Sample, answer: Reply) -> Outcome {
    let host = FakeHost::new();
    host.reply(answer);
    let channel = host.open::<Webhook>(&settings).await.expect("it opens");
    channel.deliver(sample).await.remove(0)
}

#[tokio::test]
async fn statuses_mean_what_http_says_unless_the_settings_say_otherwise() {
    for (status, class, fault) in [
        (200, Class::Delivered, None),
        (204, Class::Delivered, None),
        (302, Class::Permanent, Some(Fault::Config)),
        (400, Class::Permanent, Some(Fault::Message)),
        (401, Class::Permanent, Some(Fault::Config)),
        (404, Class::Permanent, Some(Fault::Config)),
        (408, Class::Retry, Some(Fault::Remote)),
        (413, Class::Permanent, Some(Fault::Message)),
        (429, Class::Retry, Some(Fault::Remote)),
        (500, Class::Retry, Some(Fault::Remote)),
        (501, Class::Permanent, Some(Fault::Config)),
        (503, Class::Retry, Some(Fault::Remote)),
    ] {
        let settings = json!({"url": "https://e.example/"});
        let outcome = deliver(settings, &Sample::new("x"), Reply::status(status, "")).await;
        assert_eq!(
            (outcome.class(), outcome.fault()),
            (class, fault),
            "{status}"
        );
    }
    let settings = json!({"url": "https://e.example/", "statuses": {
        "202": "unknown", "400": "retry", "409": "delivered", "5xx": "permanent",
    }});
    let by_statuses = "by `statuses`, this status ";
    for (status, class, detail) in [
        (202, Class::Unknown, by_statuses),
        (400, Class::Retry, by_statuses),
        (409, Class::Delivered, ""),
        (503, Class::Permanent, "the service refused the request"),
        (429, Class::Retry, ""),
    ] {
        let outcome = deliver(
            settings.clone(),
            &Sample::new("x"),
            Reply::status(status, ""),
        )
        .await;
        assert_eq!(outcome.class(), class, "{status}");
        assert!(
            outcome.raw().detail.as_str().starts_with(detail),
            "{status}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn the_wait_that_the_remote_asks_for_counts() {
    let busy = Reply::status(503, "").header("Retry-After", "120");
    let outcome = deliver(
        json!({"url": "https://e.example/"}),
        &Sample::new("x"),
        busy,
    )
    .await;
    assert_eq!(outcome.wait().map(|wait| wait.as_secs()), Some(120));
}

#[tokio::test]
async fn a_message_of_which_no_request_can_be_made_fails_permanently() {
    let endless = json!({
        "url": "https://e.example/",
        "content_type": "text/plain",
        "body": "{% for _ in range(body | length * 10000) %}{% for _ in range(9999) %}x{% endfor %}{% endfor %}",
    });
    let host = FakeHost::new();
    // The template may work with the examples, and not with a message.
    let Ok(channel) = host.open::<Webhook>(&endless).await else {
        return;
    };
    let outcome = channel
        .deliver(&Sample::new(&"x".repeat(1000)))
        .await
        .remove(0);
    assert_eq!(
        (outcome.class(), outcome.fault()),
        (Class::Permanent, Some(Fault::Message))
    );
}

#[tokio::test]
async fn an_answer_that_is_garbage_is_not_a_success() {
    let settings = json!({"url": "https://e.example/", "answer": {"success": "answer.json.ok", "wait": "answer.json.x.y.z"}});
    let outcome = deliver(settings, &Sample::new("x"), Reply::status(200, "<html>")).await;
    assert_eq!(outcome.class(), Class::Permanent);
}

#[tokio::test]
async fn a_connection_that_fails_is_reported_without_the_address_s_secrets() {
    let settings = json!({
        "url": "https://e.example/hook/{{ secrets.token }}",
        "secrets": {"token": "s3cret-token"},
    });
    for (maybe_sent, class) in [(false, Class::Retry), (true, Class::Unknown)] {
        let failed = Reply::failed(HostErrorKind::CONNECT, maybe_sent);
        let outcome = deliver(settings.clone(), &Sample::new("x"), failed).await;
        assert_eq!(outcome.class(), class);
        assert!(
            !outcome.raw().detail.contains("s3cret"),
            "{}",
            outcome.raw().detail
        );
    }
}

#[tokio::test]
async fn a_part_of_a_secret_that_the_service_repeats_is_not_shown() {
    let settings = json!({
        "url": "https://u:pw-canary@e.example/api/v1/path-canary?k=query-canary",
        "headers": {"Authorization": "Bearer header-canary"},
        "answer": {"detail": "answer.body"},
    });
    let body = "path-canary query-canary header-canary pw-canary refused";
    let outcome = deliver(settings, &Sample::new("x"), Reply::status(400, body)).await;
    assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
    assert!(outcome.raw().detail.contains("refused"), "{outcome:?}");
}

#[tokio::test]
async fn the_hint_names_a_token_only_if_there_is_one() {
    for (more, has_token) in [
        (json!({}), false),
        (json!({"headers": {"X-Env": "prod"}}), false),
        (json!({"headers": {"Authorization": "Bearer x"}}), true),
        (json!({"headers": {"X-Api-Key": "x"}}), true),
        (json!({"secrets": {"any": "x"}}), true),
    ] {
        for status in [401, 403] {
            let mut settings = json!({"url": "https://e.example/"});
            for (key, value) in more.as_object().into_iter().flatten() {
                settings[key] = value.clone();
            }
            let outcome = deliver(settings, &Sample::new("x"), Reply::status(status, "")).await;
            let hint = &outcome.raw().hint;
            assert_eq!(hint.contains("token"), has_token, "{more}: {outcome:?}");
            assert_eq!(hint.is_empty(), !has_token, "{more}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn any_time_of_an_event_is_reported() {
    let settings = json!({
        "url": "https://e.example/", "content_type": "text/plain",
        "body": "{{ occurred_at }} {{ occurred_at_unix }}",
    });
    for (ms, text) in [
        (0, "1970-01-01T00:00:00Z 0"),
        (-1000, "1969-12-31T23:59:59Z -1"),
        (253_402_300_800_000, "9999-12-31T23:59:59Z 253402300800"),
        (i64::MIN, "0000-01-01T00:00:00Z -9223372036854775"),
        (i64::MAX, "9999-12-31T23:59:59Z 9223372036854775"),
    ] {
        let host = FakeHost::new();
        host.reply(Reply::status(200, ""));
        let channel = host.open::<Webhook>(&settings).await.expect("it opens");
        let outcome = channel.deliver(&Sample::new("x").occurred_at_ms(ms)).await;
        assert_eq!(outcome[0].class(), Class::Delivered, "{ms}: {outcome:?}");
        assert_eq!(host.requests()[0].body, text, "{ms}");
    }
}

#[tokio::test]
async fn a_login_that_the_service_repeats_is_not_reported_in_any_form() {
    let settings = json!({
        "url": "https://u:pw%2Dcanary@e.example/hook",
        "check_url": "https://v:check%2Dcanary@e.example/token-canary/me",
        "answer": {"detail": "answer.body"},
    });
    let body = "u:pw%2Dcanary pw-canary check%2Dcanary check-canary token-canary refused";
    for status in [400, 401, 404, 500] {
        let outcome = deliver(
            settings.clone(),
            &Sample::new("x"),
            Reply::status(status, body),
        )
        .await;
        let text = format!("{outcome:?}");
        assert!(
            !text.contains("pw-canary") && !text.contains("pw%2D"),
            "{text}"
        );
        let host = FakeHost::new();
        host.reply(Reply::status(status, body));
        let channel = host.open::<Webhook>(&settings).await.expect("it opens");
        let text = format!("{:?}", channel.check().await);
        assert!(
            text.contains("refused") && !text.contains("canary"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_login_is_not_reported_as_it_is_sent() {
    let settings = json!({
        "url": "http:/ops:hunter2canary@e.example/hook",
        "answer": {"detail": "answer.body", "id": "answer.body"},
    });
    for status in [200, 400] {
        let body = "Basic b3BzOmh1bnRlcjJjYW5hcnk= ops:hunter2canary refused";
        let reply = Reply::status(status, body);
        let outcome = deliver(settings.clone(), &Sample::new("x"), reply).await;
        let text = format!("{outcome:?}");
        assert!(text.contains("refused"), "{text}");
        let canaries = ["b3Bz", "hunter2"];
        assert!(!canaries.iter().any(|one| text.contains(one)), "{text}");
    }
}

#[tokio::test]
async fn the_beginning_of_a_secret_is_not_reported_where_an_answer_is_cut() {
    let settings = json!({
        "url": "https://e.example/hook",
        "headers": {"Authorization": "Bearer canary-of-a-token"},
        "answer": {"detail": "answer.body", "id": "answer.body"},
    });
    for status in [200, 400] {
        for before in 255..300 {
            let body = format!("{}canary-of-a-token", "x".repeat(before));
            let reply = Reply::status(status, &body);
            let outcome = deliver(settings.clone(), &Sample::new("x"), reply).await;
            let text = format!("{outcome:?}");
            assert!(!text.contains("xcan"), "{text}");
        }
    }
}
