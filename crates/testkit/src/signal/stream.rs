//! The daemon's transport over TCP or a Unix socket: one JSON object per line.
//!
//! Answers come out of order if the test requests it, with notifications of incoming messages
//! between them.

use std::io;
use std::sync::Arc;

use serde_json::json;
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
    let mut held = Vec::new();
    while let Some(line) = lines.next_line().await? {
        match shared.react(&line) {
            Reaction::Answer(answer) => held.push(answer),
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
    Ok(())
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
