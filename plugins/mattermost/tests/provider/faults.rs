//! The classification table, row by row; failures of the connection; the test that no secret leaks.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use crate::standin::{bot, hook_bench, webhook};
use annunciator_mattermost::Mattermost as Plugin;
use annunciator_sdk::testing::{FakeHost, Reply, Sample};
use annunciator_sdk::{Class, Fault, HostErrorKind, Outcome};
use annunciator_testkit::http::Fault as Broken;
use annunciator_testkit::mattermost::{BOT_TOKEN, Builder, ErrorStyle, HOOK, Mattermost};
use serde_json::{Value, json};

async fn answered(settings: Value, reply: Reply) -> Outcome {
    let host = FakeHost::new();
    host.reply(reply);
    let channel = host.open::<Plugin>(&settings).await.unwrap();
    let outcomes = channel.deliver(&Sample::new("x")).await;
    assert_eq!(outcomes.len(), 1);
    let sent = host.requests().into_iter();
    let posts = sent.filter(|request| request.url.contains("/hooks/"));
    assert!(posts.count() <= 1, "no retry of its own");
    outcomes.into_iter().next().unwrap()
}

/// Checks one row of the table: the class, the fault, and a part of the hint.
async fn check(reply: Reply, class: Class, fault: Option<Fault>, hint: &str) {
    let replied = format!("{reply:?}");
    let outcome = answered(webhook("https://c.example", &json!({})), reply).await;
    assert_eq!(outcome.class(), class, "{replied}");
    assert_eq!(outcome.fault(), fault, "{replied}");
    assert!(outcome.raw().hint.contains(hint), "{outcome:?}");
}

fn refusal(status: u16, id: &str) -> Reply {
    let body = json!({"id": id, "message": format!("about {HOOK}"), "detailed_error": "",
        "request_id": "rq1", "status_code": status});
    Reply::status(status, &body.to_string())
}

#[tokio::test]
async fn when_the_server_answers_each_answer_has_its_class() {
    const GENERAL: &str = "web.incoming_webhook.general.app_error";
    let (retry, permanent) = (Class::Retry, Class::Permanent);
    let config = Some(Fault::Config);
    let remote = Some(Fault::Remote);
    let page = "<html>page</html>";
    check(Reply::status(200, "ok"), Class::Delivered, None, "").await;
    check(Reply::status(200, "ok\n"), Class::Delivered, None, "").await;
    check(Reply::status(200, page), permanent, config, "proxy").await;
    check(Reply::status(200, ""), permanent, config, "proxy").await;
    check(Reply::status(301, ""), permanent, config, "host and scheme").await;
    check(refusal(400, GENERAL), permanent, config, "check token").await;
    let text = "web.incoming_webhook.text.app_error";
    check(refusal(400, text), permanent, Some(Fault::Message), "").await;
    let user = "web.incoming_webhook.user.app_error";
    check(refusal(400, user), permanent, config, "check channel").await;
    check(Reply::status(401, page), permanent, config, "proxy").await;
    check(refusal(403, GENERAL), permanent, config, "locked").await;
    check(refusal(404, GENERAL), permanent, config, "check channel").await;
    check(Reply::status(404, page), permanent, config, "check host").await;
    check(refusal(413, GENERAL), permanent, Some(Fault::Message), "").await;
    check(refusal(500, GENERAL), retry, remote, "server's log").await;
    check(refusal(501, GENERAL), permanent, config, "administrator").await;
    for status in [408, 502, 503, 504] {
        check(Reply::status(status, page), retry, remote, "").await;
    }
}

#[tokio::test]
async fn when_no_answer_comes_it_depends_on_what_was_sent() {
    let network = Some(Fault::Network);
    let failed = Reply::failed;
    let lost = failed(HostErrorKind::LOST, true);
    check(lost, Class::Unknown, network, "may have received").await;
    let refused = failed(HostErrorKind::CONNECT, false);
    check(refused, Class::Retry, network, "").await;
    let untrusted = failed(HostErrorKind::TLS, false);
    check(
        untrusted,
        Class::Permanent,
        Some(Fault::Config),
        "certificate",
    )
    .await;
}

#[tokio::test]
async fn when_the_rate_is_limited_either_header_is_the_wait() {
    for (name, value, wait) in [
        ("Retry-After", "7", Some(7)),
        ("Retry-After", "Fri, 02 Jan 2026 03:04:45 GMT", Some(40)),
        ("X-RateLimit-Reset", "3", Some(3)),
        ("X-Other", "3", None),
    ] {
        let reply = Reply::status(429, "limit exceeded").header(name, value);
        let outcome = answered(webhook("https://c.example", &json!({})), reply).await;
        assert_eq!(outcome.class(), Class::Retry);
        assert_eq!(outcome.wait(), wait.map(Duration::from_secs), "{name}");
    }
}

/// Sends a message to a server that is built like this, with both styles of errors, and checks that
/// the server refuses it.
async fn refused_by(builder: fn() -> Builder, extra: Value, code: &str, hint: &str) {
    for style in [ErrorStyle::Old, ErrorStyle::Current] {
        let bench = hook_bench(builder().errors(style).start().await, extra.clone()).await;
        let outcome = bench.channel.deliver(&Sample::new("x")).await.remove(0);
        assert_eq!(outcome.raw().code.as_str(), code, "{outcome:?}");
        assert_eq!(outcome.class(), Class::Permanent);
        assert!(outcome.raw().hint.contains(hint), "{outcome:?}");
        assert!(bench.server.messages().is_empty());
        assert!(!format!("{outcome:?}").contains(HOOK), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_refuses_the_settings_the_hint_names_the_cause() {
    let plain = Mattermost::builder;
    let gone = json!({"token": "x".repeat(26)});
    refused_by(plain, gone, "HTTP 400", "check token").await;
    let placeholder = json!({"token": "your-webhook-token"});
    refused_by(plain, placeholder, "HTTP 404", "the token's shape").await;
    let nowhere = json!({"channel": "nowhere"});
    refused_by(plain, nowhere, "HTTP 404", "check channel").await;
    refused_by(plain, json!({"channel": "@nobody"}), "HTTP 400", "check").await;
    let disabled = || Mattermost::builder().webhooks(false);
    refused_by(disabled, json!({}), "HTTP 501", "administrator").await;
    let locked = || Mattermost::builder().locked().channel("other");
    refused_by(locked, json!({"channel": "other"}), "HTTP 403", "locked").await;
    let left = || Mattermost::builder().private_channel("other", false);
    refused_by(left, json!({"channel": "other"}), "HTTP 403", "creator").await;
    let small = || Mattermost::builder().payload_limit(10);
    refused_by(small, json!({}), "HTTP 413", "payload").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_creating_the_post_fails_it_depends_on_the_length() {
    let bench = hook_bench(Mattermost::start().await, json!({})).await;
    bench.server.fail_post(0);
    let short = bench.channel.deliver(&Sample::new("x")).await.remove(0);
    assert_eq!(short.class(), Class::Retry);
    bench.server.fail_post(1);
    let long = Sample::new(&"x".repeat(20_000));
    let long = bench.channel.deliver(&long).await.remove(0);
    assert_eq!(long.class(), Class::Unknown, "the first half was posted");
    assert_eq!(bench.server.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_connection_fails_the_outcome_says_what_may_have_arrived() {
    let bench = hook_bench(Mattermost::start().await, json!({})).await;
    for (fault, class) in [
        (Broken::ResetBeforeStoring, Class::Unknown),
        (Broken::ResetAfterStoring, Class::Unknown),
        (Broken::html_page(), Class::Permanent),
        (Broken::proxy_error(502), Class::Retry),
        (Broken::huge_body(2_000_000), Class::Permanent),
    ] {
        bench.server.fault(fault);
        let outcome = bench.channel.deliver(&Sample::new("x")).await.remove(0);
        assert_eq!(outcome.class(), class, "{outcome:?}");
    }
    assert_eq!(bench.server.messages().len(), 1);
}

#[tokio::test]
async fn when_anything_fails_no_secret_is_reported() {
    let echo = |token: &str| {
        json!({"id": "some.id", "message": token, "request_id": token, "status_code": 1})
            .to_string()
    };
    for (settings, secret) in [
        (webhook("https://c.example", &json!({})), HOOK),
        (
            webhook("https://c.example", &json!({"token": "can ary"})),
            "can%20ary",
        ),
        (bot("https://c.example", &json!({})), BOT_TOKEN),
    ] {
        for status in [200, 301, 400, 401, 403, 404, 413, 418, 429, 500, 501] {
            let reply = Reply::status(status, &echo(secret)).header("Location", secret);
            let printed = format!("{:?}", answered(settings.clone(), reply).await);
            assert!(!printed.contains(secret), "{printed}");
        }
        let host = FakeHost::new();
        host.reply(Reply::status(500, &echo(secret)));
        let channel = host.open::<Plugin>(&settings).await.unwrap();
        let printed = format!("{:?}", channel.check().await);
        assert!(!printed.contains(secret), "{printed}");
        assert!(!host.requests()[0].body.contains(secret));
    }
}

#[tokio::test]
async fn a_login_of_an_address_that_the_server_repeats_is_not_reported() {
    let icon = json!({"icon": "https://u:pw%2Dcanary@pictures.example/a.png"});
    let echo = "cannot load https://u:pw%2Dcanary@pictures.example: pw-canary is refused";
    let body = json!({"id": "some.id", "message": echo, "request_id": echo, "status_code": 1});
    for settings in [
        webhook("https://c.example", &icon),
        bot("https://c.example", &icon),
    ] {
        for status in [200, 301, 400, 401, 403, 404, 413, 418, 429, 500, 501] {
            let reply = Reply::status(status, &body.to_string());
            let printed = format!("{:?}", answered(settings.clone(), reply).await);
            assert!(!printed.contains("canary"), "{printed}");
        }
        let host = FakeHost::new();
        host.reply(Reply::status(500, &body.to_string()));
        let channel = host.open::<Plugin>(&settings).await.unwrap();
        let printed = format!("{:?}", channel.check().await);
        assert!(!printed.contains("canary"), "{printed}");
    }
}
