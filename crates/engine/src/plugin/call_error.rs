//! The errors of calls to a provider that got no answer, for reports and logs.

use std::{fmt, time::Duration};

use annunciator_core::{code::Fault, outcome::OpenErrorV1};
use serde::{Deserialize, Serialize};

/// The maximum number of concurrent polls of one channel. If so many are under way, they are
/// blocked, and the channel gets no more threads until they end.
pub(super) const MAX_BLOCKED_POLLS: usize = 16;

/// The error when a provider gave no answer. The values contain the path of the plugin's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallError {
    /// The provider did not answer within the limit.
    Late(String),
    /// The provider panicked in a way that its own guards did not catch.
    Panicked(String),
    /// The channel was closed before.
    Closed(String),
    /// The provider was not called, because it blocks too many threads.
    Stuck(String),
    /// The provider was not called, because no thread was free in time.
    NotCalled(String),
    /// The answer is longer than a worker may send.
    TooLong(String),
    /// The worker process ended during the call.
    Crashed {
        /// The path of the plugin's file.
        file: String,
        /// How the worker ended.
        ending: String,
    },
    /// No worker process is running.
    NotStarted {
        /// The path of the plugin's file.
        file: String,
        /// How the worker ended.
        ending: String,
    },
    /// The provider is not called for a while, because its worker process kept ending.
    BackingOff {
        /// The path of the plugin's file.
        file: String,
        /// How the last worker ended.
        ending: String,
        /// The remaining backoff.
        left: Duration,
    },
}

impl CallError {
    /// Returns what happened, as a sentence that names the plugin's file.
    pub(crate) fn sentence(&self, when: &str) -> String {
        match self {
            Self::Late(file) => format!("plugin {file} did not answer in time {when}"),
            Self::Panicked(file) => format!("plugin {file} panicked {when}"),
            Self::Closed(file) => format!("the channel's provider ({file}) is closed"),
            Self::Stuck(file) => {
                format!("plugin {file} blocks {MAX_BLOCKED_POLLS} threads and is not called")
            }
            Self::NotCalled(file) => format!("no thread was free for plugin {file}"),
            Self::TooLong(file) => format!("plugin {file} returned an endless answer {when}"),
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

    /// Returns what a person can do about it.
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
            // The sentence contains the remedy.
            Self::NotCalled(_) | Self::Closed(_) | Self::NotStarted { .. } => String::new(),
        }
    }
}

/// A duration for people, in whole seconds.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_millis().div_ceil(1000);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        humantime::format_duration(Duration::from_secs(seconds)).fmt(f)
    }
}

/// The occasion of a call that gave no answer: the channel was being closed.
pub(crate) const CLOSING: &str = "while it closed the channel";

/// Returns the error of a provider that did not answer when it was opened.
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
