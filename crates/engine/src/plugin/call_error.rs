//! The errors of calls to a provider that got no answer, for reports and logs.

use std::{fmt, time::Duration};

use annunciator_core::{code::Fault, outcome::OpenErrorV1};
use serde::{Deserialize, Serialize};

/// When so many polls of one channel are under way at once, they are blocked,
/// and the channel gets no more threads until they end.
pub(super) const MAX_BLOCKED_POLLS: usize = 16;

/// Why a provider gave no answer. The plugin's file stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallError {
    /// Not within the limit.
    Late(String),
    /// It panicked in a way that its own guards did not catch.
    Panicked(String),
    /// The channel was closed before.
    Closed(String),
    /// It holds so many threads that it was not called at all.
    Stuck(String),
    /// No thread was free in time: it was not called at all.
    NotCalled(String),
    /// Its answer is longer than what a worker may send.
    TooLong(String),
    /// Its worker process ended during the call.
    Crashed {
        /// The plugin's file.
        file: String,
        /// What became of the worker.
        ending: String,
    },
    /// There is no worker process to call it in.
    NotStarted {
        /// The plugin's file.
        file: String,
        /// What became of the worker.
        ending: String,
    },
    /// It is not called for a while, since its worker process kept ending.
    BackingOff {
        /// The plugin's file.
        file: String,
        /// What became of the worker the last time.
        ending: String,
        /// How long it still rests.
        left: Duration,
    },
}

impl CallError {
    /// What happened, as a sentence that names the plugin's file.
    pub(crate) fn sentence(&self, when: &str) -> String {
        match self {
            Self::Late(file) => format!("plugin {file} did not answer in time {when}"),
            Self::Panicked(file) => format!("plugin {file} panicked {when}"),
            Self::Closed(file) => format!("the channel's provider ({file}) is closed"),
            Self::Stuck(file) => {
                format!("plugin {file} blocks {MAX_BLOCKED_POLLS} threads and is not called")
            }
            Self::NotCalled(file) => format!("no thread was free for plugin {file}"),
            Self::TooLong(file) => format!("plugin {file} gave an answer without end {when}"),
            Self::Crashed { file, ending } => {
                format!("the worker process of plugin {file} {ending} {when}")
            }
            Self::NotStarted { file, ending } => {
                format!("the worker process of plugin {file} {ending}")
            }
            Self::BackingOff { file, ending, left } => format!(
                "the worker process of plugin {file} {ending}, several times; it is started again in {}",
                Rounded(*left)
            ),
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self, limit: Duration) -> String {
        match self {
            Self::Late(_) => format!(
                "the limit was {}, and delivery.timeout sets another",
                humantime::format_duration(limit)
            ),
            Self::Panicked(_)
            | Self::TooLong(_)
            | Self::Crashed { .. }
            | Self::BackingOff { .. } => "report this to the plugin's author".to_owned(),
            Self::Stuck(_) => {
                "it blocks its threads: report this to the plugin's author".to_owned()
            }
            // What could be done is in the sentence.
            Self::NotCalled(_) | Self::Closed(_) | Self::NotStarted { .. } => String::new(),
        }
    }
}

/// A time that people read, in whole seconds.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_millis().div_ceil(1000);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        humantime::format_duration(Duration::from_secs(seconds)).fmt(f)
    }
}

/// When it was that a provider gave no answer.
pub(crate) const CLOSING: &str = "while it closed the channel";

/// What there is to say of a provider that did not answer when it was opened.
pub(crate) fn not_opened(why: &CallError) -> OpenErrorV1 {
    let (fault, hint) = match why {
        CallError::NotStarted { .. } => (Fault::HOST, ""),
        _ => (Fault::PLUGIN, "report this to the plugin's author"),
    };
    OpenErrorV1 {
        fault,
        detail: why.sentence("while it opened the channel").into(),
        hint: hint.into(),
    }
}
