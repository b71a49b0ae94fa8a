//! The support of the signal channel's tests: settings for the stand-ins, a provider that is opened
//! with them, and a host that sends HTTP requests.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use annunciator_sdk::{
    Outcome,
    testing::{FakeHost, Opened, Reply, Request, Sample},
};
use annunciator_signal::Signal;
use annunciator_testkit::signal::SignalCli;
use serde_json::{Value, json};

/// The account that sends.
pub const ME: &str = "+12025551234";
/// A recipient.
pub const ONE: &str = "+12025550001";
/// Another recipient.
pub const TWO: &str = "+12025550002";
/// A group.
pub const GROUP: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Returns settings for the program, with these additional ones.
pub fn program(cli: &SignalCli, more: Value) -> Value {
    with(
        json!({"user": ME, "recipient": ONE, "cli_path": cli.path()}),
        more,
    )
}

/// Returns settings for a daemon, with these additional ones.
pub fn over(rpc: &str, more: Value) -> Value {
    with(json!({"user": ME, "recipient": ONE, "rpc": rpc}), more)
}

fn with(mut settings: Value, more: Value) -> Value {
    if let (Some(map), Value::Object(more)) = (settings.as_object_mut(), more) {
        map.extend(more);
    }
    settings
}

/// Opens a channel.
pub async fn open(settings: &Value) -> Opened {
    match host().open::<Signal>(settings).await {
        Ok(channel) => channel,
        Err(error) => panic!("{error}"),
    }
}

/// Makes one attempt on a new channel.
pub async fn deliver(settings: &Value, sample: &Sample) -> Vec<Outcome> {
    let channel = open(settings).await;
    let outcomes = channel.deliver(sample).await;
    channel.close().await;
    outcomes
}

/// Creates a host that really sends HTTP requests, in the simplest way.
pub fn host() -> FakeHost {
    let host = FakeHost::new();
    host.answer_with(|request| match post(request) {
        Ok((status, body)) => Reply::status(status, &body),
        Err(_) => Reply::failed(annunciator_sdk::HostErrorKind::LOST, true),
    });
    host
}

fn post(request: &Request) -> std::io::Result<(u16, String)> {
    let rest = request.url.trim_start_matches("http://");
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(address)?;
    let kind = request.header("Content-Type").unwrap_or_default();
    let text = format!(
        "POST /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{}",
        request.body.len(),
        request.body
    );
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.unwrap_or(0), body.to_owned()))
}
