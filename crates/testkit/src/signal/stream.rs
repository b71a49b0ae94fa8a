//! The daemon's transport over TCP or a Unix socket: one JSON object per line.
//!
//! Answers come out of order if the test requests it, with notifications of incoming messages
//! between them.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;

use super::daemon::{Reaction, SignalShared};

pub(super) async fn serve_tcp(listener: TcpListener, shared: Arc<SignalShared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, Arc::clone(&shared)));
    }
}

pub(super) async fn serve_unix(listener: UnixListener, shared: Arc<SignalShared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, Arc::clone(&shared)));
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite, shared: Arc<SignalShared>) {
    let died = shared.died.notified();
    tokio::select! {
        // An error here is a broken connection, which the client has to notice.
        _ = exchange(stream, &shared) => {}
        () = died => {}
    }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite, shared: &SignalShared) -> io::Result<()> {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    let mut received = shared.received.subscribe();
    let mut subscription: Option<Value> = None;
    let mut held = Vec::new();
    loop {
        let line = tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => line,
                None => return Ok(()),
            },
            envelope = received.recv() => {
                if let Ok(envelope) = envelope {
                    let is_manual = shared.lock().is_manual;
                    for line in notifications(&envelope, is_manual, subscription.as_ref()) {
                        write.write_all(line.as_bytes()).await?;
                    }
                }
                continue;
            }
        };
        match shared.react(&line) {
            Reaction::Answer(answer) => {
                let answer = of_connection(&line, answer, subscription.as_ref());
                subscription = subscribed(&line, &answer, subscription);
                held.push(answer);
            }
            Reaction::Nothing | Reaction::Silence => {}
            Reaction::Die => {
                shared.died.notify_waiters();
                return Ok(());
            }
        }
        let (shuffle, chatter) = {
            let state = shared.lock();
            (state.shuffle, state.chatter)
        };
        if held.len() < shuffle {
            continue;
        }
        while let Some(answer) = held.pop() {
            if chatter {
                write.write_all(incoming().as_bytes()).await?;
            }
            write.write_all(format!("{answer}\n").as_bytes()).await?;
        }
        write.flush().await?;
    }
}

/// Returns the answer to a request, which is an error if it ends a subscription that is not the
/// connection's own.
fn of_connection(request: &str, answer: String, subscription: Option<&Value>) -> String {
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    let ends = request["method"] == "unsubscribeReceive";
    if !ends || request["params"].get("subscription") == subscription {
        return answer;
    }
    let error = json!({ "code": -1, "message": "Unknown subscription id", "data": null });
    json!({ "jsonrpc": "2.0", "error": error, "id": request["id"] }).to_string()
}

/// Returns the connection's subscription after a request and its answer.
fn subscribed(request: &str, answer: &str, before: Option<Value>) -> Option<Value> {
    let request: Value = serde_json::from_str(request).ok()?;
    let answer: Value = serde_json::from_str(answer).ok()?;
    match (request["method"].as_str(), answer.get("result")) {
        (Some("subscribeReceive"), Some(id)) => Some(id.clone()),
        (Some("unsubscribeReceive"), Some(_)) => None,
        _ => before,
    }
}

/// Returns the lines with which a connection learns of an envelope: by itself unless the daemon
/// receives manually, and as the result of a subscription.
fn notifications(envelope: &Value, is_manual: bool, subscription: Option<&Value>) -> Vec<String> {
    let plain = (!is_manual).then(|| envelope.clone());
    let wrapped = subscription.map(|id| json!({ "subscription": id, "result": envelope }));
    let lines = plain.into_iter().chain(wrapped).map(|params| {
        let notification = json!({ "jsonrpc": "2.0", "method": "receive", "params": params });
        format!("{notification}\n")
    });
    lines.collect()
}

fn incoming() -> String {
    let params = json!({
        "envelope": { "source": "+4930123456", "dataMessage": { "message": "\"id\": 1" } },
        "account": "+49111",
    });
    format!(
        "{}\n",
        json!({ "jsonrpc": "2.0", "method": "receive", "params": params })
    )
}
