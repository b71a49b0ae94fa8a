//! What went wrong, and in which phase of the conversation.
//!
//! Facts only; what they mean for a recipient is decided in `outcome`.

use std::{fmt, io};

use crate::reply::Reply;

/// A phase of the conversation with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Finding the server and connecting to it.
    Connect,
    /// The TLS handshake, at once or behind STARTTLS.
    Tls,
    /// The server's first line.
    Greeting,
    /// EHLO.
    Hello,
    /// The STARTTLS command.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to the last byte before the dot.
    Data,
    /// From the dot to its answer.
    Dot,
    /// NOOP, RSET or QUIT.
    Other,
}

impl Phase {
    /// How a person names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Tls => "the TLS handshake",
            Self::Greeting => "the greeting",
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Auth => "the login",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Dot => "the end of the mail",
            Self::Other => "a command",
        }
    }
}

/// What happened in that phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server said no.
    Reply(Reply),
    /// The server's name could not be resolved; `true` if that may pass.
    Name { temporary: bool, text: String },
    /// The connection was refused or broke.
    Line(String),
    /// The server closed the connection without a word.
    Closed,
    /// Nothing came in time.
    TimedOut,
    /// What came is no SMTP; the beginning of it.
    NotSmtp(String),
    /// The certificate or the protocol is not acceptable.
    Tls(String),
    /// What came in place of a handshake was no TLS.
    NotTls,
    /// No greeting came, but a TLS handshake works.
    SpeaksTls,
    /// Every connection was in use until the time was over.
    Busy,
    /// A file with certificates or keys is not usable.
    TlsFile(String),
    /// STARTTLS is required and not offered.
    NoStartTls,
    /// The server offers no way to log in that is allowed here.
    NoMechanism(String),
    /// A login would have gone over a line in clear to another machine.
    ClearText,
    /// The server doesn't take addresses beyond ASCII.
    NoUtf8,
    /// The mail is larger than the server takes.
    TooBig { size: usize, limit: usize },
}

/// A failure: when and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) phase: Phase,
    pub(crate) cause: Cause,
}

impl Failure {
    pub(crate) fn new(phase: Phase, cause: Cause) -> Self {
        Self { phase, cause }
    }

    /// An error of the line in this phase.
    pub(crate) fn io(phase: Phase, error: &io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof => Cause::Closed,
            io::ErrorKind::TimedOut => Cause::TimedOut,
            _ => Cause::Line(error.to_string()),
        };
        Self::new(phase, cause)
    }

    /// The reply, where there was one.
    pub(crate) fn reply(&self) -> Option<&Reply> {
        match &self.cause {
            Cause::Reply(reply) => Some(reply),
            _ => None,
        }
    }

    /// Whether the connection is unusable after it.
    pub(crate) fn ends_connection(&self) -> bool {
        match &self.cause {
            Cause::Reply(reply) => reply.code == 421,
            Cause::NoUtf8 | Cause::TooBig { .. } => false,
            _ => true,
        }
    }

    /// Whether a connection that lay idle was found dead, or was closed by
    /// the server because of its age: a fresh one may do better at once.
    pub(crate) fn is_stale_line(&self) -> bool {
        match &self.cause {
            Cause::Closed | Cause::Line(_) => true,
            Cause::Reply(reply) => reply.code == 421,
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.phase.name();
        match &self.cause {
            Cause::Reply(reply) => write!(f, "the server answered {phase} with {reply}"),
            Cause::Name { text, .. } => write!(f, "the server's name was not resolved: {text}"),
            Cause::Line(text) => write!(f, "the connection failed at {phase}: {text}"),
            Cause::Closed => write!(f, "the server closed the connection at {phase}"),
            Cause::TimedOut => write!(f, "the server didn't answer {phase} in time"),
            Cause::NotSmtp(text) => {
                write!(
                    f,
                    "the server answered {phase} with what is no SMTP: {text:?}"
                )
            }
            Cause::Tls(text) => write!(f, "the server's certificate or TLS was refused: {text}"),
            Cause::NotTls => f.write_str("the server doesn't speak TLS from the first byte"),
            Cause::SpeaksTls => {
                f.write_str("the server speaks TLS from the first byte on this port")
            }
            Cause::Busy => f.write_str("all connections of this channel were in use"),
            Cause::TlsFile(text) => f.write_str(text),
            Cause::NoStartTls => f.write_str("the server doesn't offer STARTTLS"),
            Cause::NoMechanism(offered) => {
                write!(
                    f,
                    "the server offers no usable way to log in (offered: {offered})"
                )
            }
            Cause::ClearText => {
                f.write_str("the login was not sent, because the line isn't encrypted")
            }
            Cause::NoUtf8 => {
                f.write_str("the server doesn't take addresses with letters beyond ASCII")
            }
            Cause::TooBig { size, limit } => {
                write!(f, "the mail has {size} octets, the server takes {limit}")
            }
        }
    }
}
