//! The classification table, row by row; failures of the connection; the test that no secret leaks.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use crate::standin::{bench, bench_with, settings};
use annunciator_pushover::Pushover as Plugin;
use annunciator_sdk::testing::{FakeHost, Reply, Sample};
use annunciator_sdk::{Class, Fault, HostErrorKind, Outcome};
use annunciator_testkit::http::Fault as Broken;
use annunciator_testkit::pushover::{Pushover, TOKEN, USER};
use serde_json::json;

const FIVE: Option<Duration> = Some(Duration::from_secs(5));

async fn answered(reply: Reply) -> Outcome {
    let host = FakeHost::new();
    host.reply(reply);
    let url = "https://api.example";
    let channel = host.open::<Plugin>(&settings(url, &json!({}))).await;
    let outcomes = channel.unwrap().deliver(&Sample::new("x")).await;
    assert_eq!(outcomes.len(), 1);
    assert_eq!(host.requests().len(), 1, "no retry of its own");
    outcomes.into_iter().next().unwrap()
}

/// Checks one row of the table: the class, the fault, the wait, and a part of the hint.
async fn check(
    reply: Reply,
    class: Class,
    fault: Option<Fault>,
    wait: Option<Duration>,
    hint: &str,
) {
    let replied = format!("{reply:?}");
    let outcome = answered(reply).await;
    assert_eq!(outcome.class(), class, "{replied}");
    assert_eq!(outcome.fault(), fault, "{replied}");
    assert_eq!(outcome.wait(), wait, "{replied}");
    assert!(outcome.raw().hint.contains(hint), "{outcome:?}");
}

fn refusal(parameter: &str) -> Reply {
    let body = json!({parameter: "invalid", "errors": [format!("{parameter} is invalid")],
        "status": 0, "request": "r"});
    Reply::status(400, &body.to_string())
}

#[tokio::test]
async fn when_the_service_answers_each_answer_has_its_class() {
    let page = "<html>sign in</html>";
    let (retry, permanent) = (Class::Retry, Class::Permanent);
    let remote = Some(Fault::Remote);
    let config = Some(Fault::Config);
    let accepted = r#"{"status":1,"request":"r"}"#;
    check(
        Reply::status(200, accepted),
        Class::Delivered,
        None,
        None,
        "",
    )
    .await;
    let odd = r#"{"status":0,"errors":["odd"],"request":"r"}"#;
    check(Reply::status(200, odd), permanent, config, None, "").await;
    check(Reply::status(200, page), retry, remote, FIVE, "proxy").await;
    check(refusal("token"), permanent, config, None, "check token").await;
    check(
        refusal("user"),
        permanent,
        Some(Fault::Recipient),
        None,
        "check user",
    )
    .await;
    check(
        refusal("message"),
        permanent,
        Some(Fault::Message),
        None,
        "",
    )
    .await;
    check(refusal("retry"), permanent, config, None, "check retry").await;
    check(refusal("device"), permanent, config, None, "check device").await;
    check(Reply::status(301, ""), permanent, config, None, "api_url").await;
    check(Reply::status(401, ""), permanent, remote, None, "").await;
    check(Reply::status(403, ""), permanent, remote, None, "").await;
    check(Reply::status(404, page), permanent, config, None, "api_url").await;
    check(
        Reply::status(413, page),
        permanent,
        Some(Fault::Message),
        None,
        "",
    )
    .await;
    for status in [408, 500, 502, 503, 504] {
        check(Reply::status(status, page), retry, remote, FIVE, "").await;
    }
}

#[tokio::test]
async fn when_the_quota_is_used_up_the_wait_is_until_its_reset() {
    let reset = 1_767_323_045 + 86_400;
    let reply = Reply::status(429, "{}")
        .header("X-Limit-App-Limit", "10000")
        .header("X-Limit-App-Remaining", "0")
        .header("X-Limit-App-Reset", &reset.to_string());
    let day = Some(Duration::from_secs(86_400));
    check(
        reply,
        Class::Retry,
        Some(Fault::Remote),
        day,
        "another channel",
    )
    .await;
    let of_proxy = Reply::status(429, "").header("Retry-After", "9");
    let nine = Some(Duration::from_secs(9));
    check(of_proxy, Class::Retry, Some(Fault::Remote), nine, "").await;
    check(
        Reply::status(429, ""),
        Class::Retry,
        Some(Fault::Remote),
        None,
        "",
    )
    .await;
}

#[tokio::test]
async fn when_no_answer_comes_it_depends_on_what_was_sent() {
    let network = Some(Fault::Network);
    let failed = Reply::failed;
    let lost = failed(HostErrorKind::LOST, true);
    check(lost, Class::Unknown, network, FIVE, "may have received").await;
    let slow = failed(HostErrorKind::TIMEOUT, true);
    check(slow, Class::Unknown, network, FIVE, "").await;
    let refused = failed(HostErrorKind::CONNECT, false);
    check(refused, Class::Retry, network, None, "").await;
    let untrusted = failed(HostErrorKind::TLS, false);
    check(
        untrusted,
        Class::Permanent,
        Some(Fault::Config),
        None,
        "certificate",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_connection_is_reset_nobody_knows() {
    let bench = bench(json!({})).await;
    for (fault, stored) in [
        (Broken::ResetBeforeStoring, 0),
        (Broken::ResetAfterStoring, 1),
    ] {
        bench.service.fault(fault);
        let outcomes = bench.channel.deliver(&Sample::new("x")).await;
        assert_eq!(outcomes[0].class(), Class::Unknown);
        assert_eq!(bench.service.messages().len(), stored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_service_refuses_its_own_words_arrive() {
    let service = Pushover::start().await;
    let bench = bench_with(service, json!({"token": "x".repeat(30)})).await;
    let outcomes = bench.channel.deliver(&Sample::new("x")).await;
    let raw = outcomes[0].raw();
    assert_eq!(raw.code.as_str(), "HTTP 400");
    assert!(raw.detail.contains("application token is invalid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_anything_fails_no_secret_is_reported() {
    let echo = json!({"user": USER, "errors": [format!("{USER} and {TOKEN} are bad")],
        "status": 0, "request": "r", "info": format!("{TOKEN}")});
    let replies = [
        Reply::status(400, &echo.to_string()),
        Reply::status(403, TOKEN),
        Reply::status(200, &format!("<html>{USER}")),
        Reply::status(500, USER),
    ];
    for reply in replies {
        let text = format!("{:?}", answered(reply).await);
        assert!(!text.contains(TOKEN) && !text.contains(USER), "{text}");
    }
    let bench = bench(json!({"priority": "emergency"})).await;
    let sample = Sample::new("x").incident("i");
    let outcomes = bench.channel.deliver(&sample).await;
    bench
        .service
        .expire(&bench.service.messages()[0].receipt.clone().unwrap());
    bench.host.run_tasks().await;
    let checked = bench.channel.check().await;
    let text = format!("{outcomes:?} {checked:?} {:?}", bench.host.logs());
    assert!(!text.contains(TOKEN) && !text.contains(USER), "{text}");
    let in_query = bench.host.requests().into_iter().filter(|request| {
        request.url.contains(USER) || (request.method == "POST" && request.url.contains(TOKEN))
    });
    assert_eq!(in_query.count(), 0);
    assert!(bench.service.violations().is_empty());
}

#[tokio::test]
async fn when_an_answer_is_not_understood_there_is_no_hint() {
    let unknown = r#"{"moon":"full","errors":["no"],"status":0,"request":"r"}"#;
    for status in [400, 402, 403, 408, 418, 422] {
        for body in [unknown, "Sorry", ""] {
            let outcome = answered(Reply::status(status, body)).await;
            assert_eq!(outcome.raw().hint.as_str(), "", "{status} {outcome:?}");
        }
    }
}

#[tokio::test]
async fn only_pushover_s_own_words_say_that_the_month_is_used_up() {
    let left = |reply: Reply, remaining: &str| {
        reply
            .header("X-Limit-App-Limit", "10000")
            .header("X-Limit-App-Remaining", remaining)
            .header("X-Limit-App-Reset", "1767409445")
    };
    let own = r#"{"status": 0, "errors": ["application is over its quota of messages"]}"#;
    let other = r#"{"status": 0, "errors": ["slow down"]}"#;
    for (reply, is_used_up) in [
        (Reply::status(429, ""), false),
        (Reply::status(429, "<html>"), false),
        (Reply::status(429, other), false),
        (left(Reply::status(429, other), "9"), false),
        (Reply::status(429, own), true),
        (left(Reply::status(429, ""), "0"), true),
    ] {
        let outcome = answered(reply).await;
        assert_eq!(outcome.class(), Class::Retry, "{outcome:?}");
        let detail = &outcome.raw().detail;
        assert_eq!(detail.contains("month"), is_used_up, "{outcome:?}");
        assert_eq!(!outcome.raw().hint.is_empty(), is_used_up, "{outcome:?}");
    }
}

#[tokio::test]
async fn any_time_of_an_event_is_reported() {
    for ms in [
        0,
        -1,
        -62_167_219_200_001,
        253_402_300_800_000,
        i64::MIN,
        i64::MAX,
    ] {
        let host = FakeHost::new();
        host.reply(Reply::status(200, r#"{"status":1,"request":"r"}"#));
        let settings = settings("https://api.example", &json!({}));
        let channel = host.open::<Plugin>(&settings).await.unwrap();
        let outcomes = channel.deliver(&Sample::new("x").occurred_at_ms(ms)).await;
        assert_eq!(outcomes[0].class(), Class::Delivered, "{ms}: {outcomes:?}");
    }
}

#[tokio::test]
async fn a_login_of_an_address_that_the_service_repeats_is_not_reported() {
    // The last one is `u:cb-canary`, encoded as for HTTP's Basic authentication.
    let logins = "u:cb%2Dcanary@ cb-canary url-canary dTpjYi1jYW5hcnk=";
    let echo = json!({"callback": logins, "errors": [logins], "status": 0, "request": logins});
    let taken = json!({"status": 1, "request": logins, "receipt": logins, "info": logins});
    for reply in [
        Reply::status(400, &echo.to_string()),
        Reply::status(403, logins),
        Reply::status(500, logins),
        Reply::status(200, &format!("<html>{logins}")),
        Reply::status(200, &taken.to_string()),
    ] {
        let host = FakeHost::new();
        host.reply(reply);
        let extra = json!({
            "priority": "emergency",
            "callback": "https:/u:cb%2Dcanary@hooks.example/ack",
            "url": "https:url-canary@status.example//",
        });
        let channel = host
            .open::<Plugin>(&settings("https://api.example", &extra))
            .await;
        let channel = channel.unwrap();
        let outcomes = channel.deliver(&Sample::new("x")).await;
        let text = format!("{outcomes:?} {:?}", host.logs());
        assert!(!text.contains("canary") && !text.contains("dTpj"), "{text}");
        let sent = host.requests()[0].body.to_string();
        assert!(sent.contains("canary"), "it is sent: {sent}");
    }
}
