//! A failure: what went wrong, and in which phase of the conversation.
//!
//! This module has the facts only; `outcome` decides what they mean for a recipient.

use std::{fmt, io};

use crate::reply::Reply;

/// A phase of the conversation with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Resolving the server's name and connecting to it.
    Connect,
    /// The TLS handshake, at once or after STARTTLS.
    Tls,
    /// The server's greeting, which is its first reply.
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
    /// From the dot to the reply to it.
    Dot,
    /// NOOP, RSET or QUIT.
    Other,
}

impl Phase {
    /// Returns the phase's name for people.
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
            Self::Dot => "the end of the email",
            Self::Other => "a command",
        }
    }
}

/// What happened in the phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server answered with an error.
    Reply(Reply),
    /// The server's name could not be resolved. `temporary` if a retry may succeed.
    Name { temporary: bool, text: String },
    /// The connection was refused or broke.
    Line(String),
    /// The server closed the connection without a reply.
    Closed,
    /// The server did not answer in time.
    TimedOut,
    /// The server's answer is not SMTP. This is its beginning.
    NotSmtp(String),
    /// The certificate or the protocol version is not acceptable.
    Tls(String),
    /// The server's answer to the handshake was not TLS.
    NotTls,
    /// The server sent no greeting, but a TLS handshake works.
    SpeaksTls,
    /// All connections were in use until the attempt's end.
    Busy,
    /// A file with certificates or keys cannot be used.
    TlsFile(String),
    /// The server does not offer STARTTLS, which is required.
    NoStartTls,
    /// The server offers no mechanism for the login that the settings allow.
    NoMechanism(String),
    /// The login would have been sent to another machine without encryption.
    ClearText,
    /// The server does not accept addresses that are not ASCII.
    NoUtf8,
    /// The email is larger than the server accepts. Both are in octets.
    TooBig { size: usize, limit: usize },
}

/// A failure: its phase and its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) phase: Phase,
    pub(crate) cause: Cause,
}

impl Failure {
    pub(crate) fn new(phase: Phase, cause: Cause) -> Self {
        Self { phase, cause }
    }

    /// Creates the failure of an error on the connection in this phase.
    pub(crate) fn io(phase: Phase, error: &io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof => Cause::Closed,
            io::ErrorKind::TimedOut => Cause::TimedOut,
            _ => Cause::Line(error.to_string()),
        };
        Self::new(phase, cause)
    }

    /// Returns the server's reply, if there was one.
    pub(crate) fn reply(&self) -> Option<&Reply> {
        match &self.cause {
            Cause::Reply(reply) => Some(reply),
            _ => None,
        }
    }

    /// Returns whether the connection cannot be used after this failure.
    pub(crate) fn ends_connection(&self) -> bool {
        match &self.cause {
            Cause::Reply(reply) => reply.code == 421,
            Cause::NoUtf8 | Cause::TooBig { .. } => false,
            _ => true,
        }
    }

    /// Returns whether an idle connection may have died, or was closed by the server because of its
    /// age. A new connection may then succeed at once.
    pub(crate) fn is_stale_connection(&self) -> bool {
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
            Cause::Name { text, .. } => {
                write!(f, "the server's name could not be resolved: {text}")
            }
            Cause::Line(text) => write!(f, "the connection failed at {phase}: {text}"),
            Cause::Closed => write!(f, "the server closed the connection at {phase}"),
            Cause::TimedOut => write!(f, "the server did not answer {phase} in time"),
            Cause::NotSmtp(text) => {
                write!(
                    f,
                    "the server answered {phase} with something that is not SMTP: {text:?}"
                )
            }
            Cause::Tls(text) => write!(f, "the server's certificate or TLS was refused: {text}"),
            Cause::NotTls => f.write_str("the server does not speak TLS from the first byte"),
            Cause::SpeaksTls => {
                f.write_str("the server speaks TLS from the first byte on this port")
            }
            Cause::Busy => f.write_str("all connections of this channel were in use"),
            Cause::TlsFile(text) => f.write_str(text),
            Cause::NoStartTls => f.write_str("the server does not offer STARTTLS"),
            Cause::NoMechanism(offered) => {
                write!(
                    f,
                    "the server offers no usable login mechanism (offered: {offered})"
                )
            }
            Cause::ClearText => {
                f.write_str("the login was not sent, because the connection is not encrypted")
            }
            Cause::NoUtf8 => f.write_str("the server does not accept addresses that are not ASCII"),
            Cause::TooBig { size, limit } => {
                write!(
                    f,
                    "the email has {size} octets; the server accepts at most {limit}"
                )
            }
        }
    }
}
