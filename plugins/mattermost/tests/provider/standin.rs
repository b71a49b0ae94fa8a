//! The plugin on a scripted host, whose requests reach a running stand-in of Mattermost over real
//! connections. A test that uses it needs a multi-threaded runtime.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

use annunciator_mattermost::Mattermost as Plugin;
use annunciator_sdk::HostErrorKind;
use annunciator_sdk::testing::{FakeHost, Opened, Reply, Request};
use annunciator_testkit::http;
use annunciator_testkit::mattermost::{BOT_TOKEN, CHANNEL, HOOK, Mattermost, TEAM};
use serde_json::{Value, json};

/// A stand-in of Mattermost, and a channel that is configured for it.
pub struct Bench {
    pub server: Mattermost,
    pub host: FakeHost,
    pub channel: Opened,
}

fn with(mut settings: Value, extra: &Value) -> Value {
    for (name, value) in extra.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    settings
}

/// Returns the settings of a webhook at this server, with `extra` ones.
pub fn webhook(url: &str, extra: &Value) -> Value {
    with(
        json!({"host": url, "token": HOOK, "channel": CHANNEL}),
        extra,
    )
}

/// Returns the settings of a bot at this server, with `extra` ones.
pub fn bot(url: &str, extra: &Value) -> Value {
    let settings = json!({"host": url, "bot_token": BOT_TOKEN, "team": TEAM, "channel": CHANNEL});
    with(settings, extra)
}

pub async fn open(server: Mattermost, settings: &Value) -> Bench {
    let host = FakeHost::new();
    host.answer_with(forward);
    let channel = host
        .open::<Plugin>(settings)
        .await
        .expect("the settings are good");
    Bench {
        server,
        host,
        channel,
    }
}

/// Opens a channel that posts by a webhook of this server.
pub async fn hook_bench(server: Mattermost, extra: Value) -> Bench {
    let settings = webhook(&server.url(), &extra);
    open(server, &settings).await
}

/// Opens a channel that posts as a bot of this server.
pub async fn bot_bench(server: Mattermost, extra: Value) -> Bench {
    let settings = bot(&server.url(), &extra);
    open(server, &settings).await
}

pub fn forward(request: &Request) -> Reply {
    let body = request.body.as_bytes();
    match http::exchange(&request.method, &request.url, &request.headers, body) {
        Err(_) => Reply::failed(HostErrorKind::LOST, true),
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer.body);
            let reply = Reply::status(answer.status, &text);
            let headers = answer.headers.into_iter();
            headers.fold(reply, |reply, (name, value)| reply.header(&name, &value))
        }
    }
}
