//! What a test can make the SMTP stand-in do wrong, and when.
//!
//! A fault fires once, the next time its moment comes, unless it was set with
//! `always`. Verdicts on single recipients are not faults: see `Verdict`.

use std::time::Duration;

/// A moment of an SMTP session at which a fault can strike.
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
    /// At the dot that ends the data.
    Dot,
    /// At `RSET`.
    Rset,
    /// At `NOOP`.
    Noop,
    /// At `QUIT`.
    Quit,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This reply instead of the right one; 421 also closes the connection.
    Reply {
        /// When.
        at: Moment,
        /// The reply code.
        code: u16,
        /// The text behind it, with the enhanced code; lines split at `\n`.
        text: String,
    },
    /// The right reply, but late.
    Slow {
        /// When.
        at: Moment,
        /// How late.
        delay: Duration,
    },
    /// The connection is closed without a reply, and nothing was stored.
    Drop {
        /// When.
        at: Moment,
    },
    /// The mail is stored, then the connection is closed without a reply.
    DropAfterStoring,
    /// The connection is closed this long after a mail was stored, unasked.
    CloseWhenIdle {
        /// How long after.
        after: Duration,
    },
}

impl Fault {
    /// A reply other than the right one.
    pub fn reply(at: Moment, code: u16, text: &str) -> Self {
        Self::Reply {
            at,
            code,
            text: text.to_owned(),
        }
    }

    /// The right reply after a delay.
    pub fn slow(at: Moment, delay: Duration) -> Self {
        Self::Slow { at, delay }
    }

    /// A line that is lost.
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

/// What the stand-in answers to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The reply code.
    pub code: u16,
    /// The text behind it, with the enhanced code.
    pub text: String,
    /// How many times it holds; `None` for ever. Greylisting is `Some(1)`.
    pub times: Option<u32>,
}
