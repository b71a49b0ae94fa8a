//! The connection to the server: writes bytes and reads replies, each within its timeout.
//!
//! It knows lines and replies, but not their meaning. Each write is a whole command, so that an
//! email is sent in one piece and Nagle's algorithm has nothing to do.

use std::{io, net::SocketAddr, time::Duration};

use annunciator_sdk::without_secrets;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use zeroize::Zeroizing;

use crate::{
    failure::{Cause, Failure, Phase},
    reply::{REPLY_MAX, Reply},
    tls::{Tls, handshake_failure},
};

/// A stream, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The limits of one step: its own timeout, and the end of the attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) step: Duration,
    pub(crate) end: Instant,
}

impl Deadline {
    /// Returns when a step that begins now times out.
    fn until(self) -> Instant {
        (Instant::now() + self.step).min(self.end)
    }

    /// Returns the same end with another timeout for a step.
    pub(crate) fn step(self, step: Duration) -> Self {
        Self { step, ..self }
    }
}

/// A connection, on which lines of text are sent and received.
pub(crate) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    /// This end's address.
    pub(crate) local: SocketAddr,
    /// The server's address.
    pub(crate) peer: SocketAddr,
    /// Whether TLS is on.
    pub(crate) encrypted: bool,
    /// The secrets that are removed from the server's replies. Some servers repeat commands.
    secrets: Vec<Zeroizing<String>>,
}

impl Wire {
    /// Connects to the server: tries each address of the name in turn.
    pub(crate) async fn connect(
        server: &str,
        port: u16,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let end = deadline.until();
        let addresses = timeout_at(end, tokio::net::lookup_host((server, port)))
            .await
            .map_err(|_| Failure::new(Phase::Connect, Cause::TimedOut))?
            .map_err(|error| name_failure(&error))?;
        let mut failure = Failure::new(
            Phase::Connect,
            Cause::Name {
                temporary: false,
                text: "the name has no address".to_owned(),
            },
        );
        for address in addresses {
            match timeout_at(deadline.until(), TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    return Self::over(stream).map_err(|e| Failure::io(Phase::Connect, &e));
                }
                Ok(Err(error)) => {
                    failure = Failure::new(Phase::Connect, Cause::Line(error.to_string()));
                }
                Err(_) => failure = Failure::new(Phase::Connect, Cause::TimedOut),
            }
        }
        Err(failure)
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
        Ok(Self {
            stream: BufReader::new(Box::new(stream)),
            local,
            peer,
            encrypted: false,
            secrets: Vec::new(),
        })
    }

    /// Removes these secrets from all replies.
    pub(crate) fn hiding(self, secrets: Vec<Zeroizing<String>>) -> Self {
        Self { secrets, ..self }
    }

    /// Performs the TLS handshake. Whatever was received before it without encryption is discarded,
    /// so that nobody can inject a reply (CVE-2011-0411 and its kin).
    pub(crate) async fn encrypt(self, tls: &Tls, deadline: Deadline) -> Result<Self, Failure> {
        let handshake = tls
            .connector
            .connect(tls.name.clone(), self.stream.into_inner());
        let stream = timeout_at(deadline.until(), handshake)
            .await
            .map_err(|_| Failure::new(Phase::Tls, Cause::TimedOut))?
            .map_err(|error| handshake_failure(&error))?;
        Ok(Self {
            stream: BufReader::new(Box::new(stream)),
            encrypted: true,
            ..self
        })
    }

    /// Writes all of these bytes. `phase` is that of a failure.
    pub(crate) async fn write(
        &mut self,
        bytes: &[u8],
        phase: Phase,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let stream = self.stream.get_mut();
        let write = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        timeout_at(deadline.until(), write)
            .await
            .map_err(|_| Failure::new(phase, Cause::TimedOut))?
            .map_err(|error| Failure::io(phase, &error))
    }

    /// Reads one reply. `phase` is that of a failure.
    pub(crate) async fn reply(
        &mut self,
        phase: Phase,
        deadline: Deadline,
    ) -> Result<Reply, Failure> {
        timeout_at(deadline.until(), self.read_reply(phase))
            .await
            .unwrap_or_else(|_| Err(Failure::new(phase, Cause::TimedOut)))
    }

    /// Sends a command and reads its reply.
    pub(crate) async fn command(
        &mut self,
        command: &str,
        phase: Phase,
        deadline: Deadline,
    ) -> Result<Reply, Failure> {
        self.write(command.as_bytes(), phase, deadline).await?;
        self.reply(phase, deadline).await
    }

    async fn read_reply(&mut self, phase: Phase) -> Result<Reply, Failure> {
        let mut lines = Vec::new();
        let mut left = REPLY_MAX as u64;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = (&mut self.stream)
                .take(left)
                .read_until(b'\n', &mut bytes)
                .await
                .map_err(|error| read_failure(phase, &error))?;
            left = left.saturating_sub(read as u64);
            let text = String::from_utf8_lossy(&bytes);
            if read == 0 && left > 0 {
                return Err(Failure::new(phase, Cause::Closed));
            }
            let line = text.trim_end_matches(['\r', '\n']);
            let parsed = Reply::parse_line(line).filter(|_| bytes.ends_with(b"\n"));
            let Some((code, text, last)) = parsed else {
                let clean = without_secrets(line, &self.secrets);
                let beginning = clean.chars().take(80).collect();
                return Err(Failure::new(phase, Cause::NotSmtp(beginning)));
            };
            // The server's capabilities are parsed word by word, and are never shown.
            let is_shown = phase != Phase::Hello || code / 100 != 2;
            lines.push(match is_shown {
                true => without_secrets(text, &self.secrets),
                false => text.to_owned(),
            });
            if last {
                return Ok(Reply { code, lines });
            }
        }
    }
}

/// Creates the failure of a read. In TLS 1.3, a server that refuses the client's certificate says
/// so only at the first read.
fn read_failure(phase: Phase, error: &io::Error) -> Failure {
    let alert = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match alert {
        // In later phases, TLS had worked, and the server may have accepted what was sent.
        Some(alert @ rustls::Error::AlertReceived(_))
            if matches!(phase, Phase::Greeting | Phase::Hello | Phase::Auth) =>
        {
            Failure::new(Phase::Tls, Cause::Tls(alert.to_string()))
        }
        _ => Failure::io(phase, error),
    }
}

/// Creates the failure of resolving a name. Whether a retry may succeed follows from the resolver's
/// words only (the text of EAI_AGAIN, which is the same in glibc and musl except for its end).
fn name_failure(error: &io::Error) -> Failure {
    let text = error.to_string();
    let lower = text.to_ascii_lowercase();
    Failure::new(
        Phase::Connect,
        Cause::Name {
            temporary: lower.contains("temporary failure") || lower.contains("try again"),
            text,
        },
    )
}
