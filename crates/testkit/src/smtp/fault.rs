//! Faults that a test injects into the SMTP stand-in, and their moments.
//!
//! A fault occurs once, at the next occurrence of its moment, unless it was set with `always`.
//! Answers to single recipients are not faults: see `Verdict`.

use std::time::Duration;

/// The moment of an SMTP session at which a fault occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Right after the connection was accepted, in place of the greeting.
    Greeting,
    /// At `EHLO` or `HELO`.
    Hello,
    /// At `STARTTLS`, before the handshake.
    StartTls,
    /// At `AUTH`.
    Auth,
    /// At `MAIL FROM`.
    Mail,
    /// At `RCPT TO`.
    Rcpt,
    /// At `DATA`, before 354.
    Data,
    /// At the final dot of the data.
    Dot,
    /// At `RSET`.
    Rset,
    /// At `NOOP`.
    Noop,
    /// At `QUIT`.
    Quit,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A wrong reply; 421 also closes the connection.
    Reply {
        /// The moment.
        at: Moment,
        /// The reply code.
        code: u16,
        /// The text after the code, with the enhanced code; split into lines at `\n`.
        text: String,
    },
    /// The right reply after a delay.
    Slow {
        /// The moment.
        at: Moment,
        /// The delay.
        delay: Duration,
    },
    /// The connection is closed without a reply, and nothing is stored.
    Drop {
        /// The moment.
        at: Moment,
    },
    /// The mail is stored, then the connection is closed without a reply.
    DropAfterStoring,
    /// The connection is closed, unasked, some time after a mail was stored.
    CloseWhenIdle {
        /// The time after the mail was stored.
        after: Duration,
    },
}

impl Fault {
    /// Creates a wrong reply.
    pub fn reply(at: Moment, code: u16, text: &str) -> Self {
        Self::Reply {
            at,
            code,
            text: text.to_owned(),
        }
    }

    /// Creates the right reply after a delay.
    pub fn slow(at: Moment, delay: Duration) -> Self {
        Self::Slow { at, delay }
    }

    /// Creates a connection that is closed without a reply.
    pub fn drop(at: Moment) -> Self {
        Self::Drop { at }
    }

    pub(super) fn moment(&self) -> Moment {
        match self {
            Self::Reply { at, .. } | Self::Slow { at, .. } | Self::Drop { at } => *at,
            Self::DropAfterStoring | Self::CloseWhenIdle { .. } => Moment::Dot,
        }
    }
}

/// The stand-in's answer to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The reply code.
    pub code: u16,
    /// The text after the code, with the enhanced code.
    pub text: String,
    /// How many times the answer is given; `None` for always. Greylisting is `Some(1)`.
    pub times: Option<u32>,
}
