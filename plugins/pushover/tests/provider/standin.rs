//! The plugin on a scripted host, whose requests reach a running stand-in of Pushover over real
//! connections. A test that uses it needs a multi-threaded runtime.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use annunciator_pushover::Pushover as Plugin;
use annunciator_sdk::HostErrorKind;
use annunciator_sdk::testing::{FakeHost, Opened, Reply, Request};
use annunciator_testkit::http;
use annunciator_testkit::pushover::{Pushover, TOKEN, USER};
use serde_json::{Value, json};

/// A stand-in of Pushover, and a channel that is configured for it.
pub struct Bench {
    pub service: Pushover,
    pub host: FakeHost,
    pub channel: Opened,
}

/// Returns the settings of a channel at this stand-in, with `extra` ones.
pub fn settings(url: &str, extra: &Value) -> Value {
    let mut settings = json!({"token": TOKEN, "user": USER, "api_url": url});
    for (name, value) in extra.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    settings
}

/// Starts a stand-in and a channel. The stand-in permits a client to return at once, because the
/// scripted host's clock runs ahead of its own.
pub async fn bench(extra: Value) -> Bench {
    let service = Pushover::builder().pause(Duration::ZERO).start().await;
    bench_with(service, extra).await
}

pub async fn bench_with(service: Pushover, extra: Value) -> Bench {
    let host = FakeHost::new();
    host.answer_with(forward);
    let channel = host
        .open::<Plugin>(&settings(&service.url(), &extra))
        .await
        .expect("the settings are good");
    Bench {
        service,
        host,
        channel,
    }
}

pub fn forward(request: &Request) -> Reply {
    let body = request.body.as_bytes();
    match http::exchange(&request.method, &request.url, &request.headers, body) {
        Err(_) => Reply::failed(HostErrorKind::LOST, true),
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer.body);
            let reply = Reply::status(answer.status, &text);
            let mut headers = answer.headers.into_iter();
            headers
                .by_ref()
                .fold(reply, |reply, (name, value)| reply.header(&name, &value))
        }
    }
}
