//! The line to the server: bytes out, replies in, each within its time.
//!
//! It knows lines and replies, not what they mean. Writes are whole commands,
//! so that a mail leaves in one piece and Nagle's algorithm has nothing to do.

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

/// The time for one step: its own limit, and the attempt's end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) step: Duration,
    pub(crate) end: Instant,
}

impl Deadline {
    /// When this step is given up, if it begins now.
    fn until(self) -> Instant {
        (Instant::now() + self.step).min(self.end)
    }

    /// The same end, with another limit for a step.
    pub(crate) fn step(self, step: Duration) -> Self {
        Self { step, ..self }
    }
}

/// A connection as a line of text.
pub(crate) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    /// This end's address.
    pub(crate) local: SocketAddr,
    /// The server's address.
    pub(crate) peer: SocketAddr,
    /// Whether TLS is on.
    pub(crate) encrypted: bool,
    /// What is taken out of whatever the server says: some repeat commands.
    secrets: Vec<Zeroizing<String>>,
}

impl Wire {
    /// Connects, to each address of the name in turn.
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

    /// The same line, whose replies never hold these.
    pub(crate) fn hiding(self, secrets: Vec<Zeroizing<String>>) -> Self {
        Self { secrets, ..self }
    }

    /// The TLS handshake. What came in clear before it is thrown away, so
    /// that nobody can slip a reply in (CVE-2011-0411 and its kin).
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

    /// Writes all of it.
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

    /// Reads one reply.
    pub(crate) async fn reply(
        &mut self,
        phase: Phase,
        deadline: Deadline,
    ) -> Result<Reply, Failure> {
        timeout_at(deadline.until(), self.read_reply(phase))
            .await
            .unwrap_or_else(|_| Err(Failure::new(phase, Cause::TimedOut)))
    }

    /// One command and its reply.
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
            // What the server can do is read word by word, and shown by nobody.
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

/// A server that refuses a client's certificate in TLS 1.3 says so only with
/// the first read.
fn read_failure(phase: Phase, error: &io::Error) -> Failure {
    let alert = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match alert {
        // Later, the line was good, and what was sent may have been taken.
        Some(alert @ rustls::Error::AlertReceived(_))
            if matches!(phase, Phase::Greeting | Phase::Hello | Phase::Auth) =>
        {
            Failure::new(Phase::Tls, Cause::Tls(alert.to_string()))
        }
        _ => Failure::io(phase, error),
    }
}

/// Whether a failure to resolve may pass is told by the resolver in words
/// only (EAI_AGAIN's text, the same in glibc and musl but for the end).
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
