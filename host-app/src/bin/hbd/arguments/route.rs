//! The arguments of `hbd route`: the host, the severity, and the time.

use std::str::FromStr;

use annunciator::Severity;
use annunciator_monitor::timestamp;
use clap::Args;
use jiff::Timestamp;

/// Which message to think of, and how to print what would happen.
#[derive(Debug, Args)]
pub(crate) struct Route {
    /// Set the severity: info, warning or critical
    #[arg(long, default_value = "critical")]
    pub(crate) severity: Severity,

    /// Set the time, such as "2026-11-22 23:30", or 23:30 for the next one, in
    /// UTC unless it has an offset [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<At>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// The host that the message is about
    pub(crate) host: String,
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    /// In milliseconds since the Unix epoch.
    pub(crate) ms: i64,
}

/// An error returned when a text is not a point in time.
#[derive(Debug, thiserror::Error)]
#[error("write when, such as \"2026-11-22 23:30\" (UTC), or 23:30 for the next one")]
pub(crate) struct MalformedMoment;

impl At {
    /// Returns the current time.
    pub(crate) fn now() -> Self {
        let ms = Timestamp::now().as_millisecond();
        Self { ms }
    }
}

impl FromStr for At {
    type Err = MalformedMoment;

    fn from_str(text: &str) -> Result<Self, MalformedMoment> {
        let next = || {
            Some(timestamp::next_occurrence(
                timestamp::parse_time_of_day(text)?,
                Self::now().ms,
            ))
        };
        let ms = timestamp::parse_timestamp(text)
            .or_else(next)
            .ok_or(MalformedMoment)?;
        Ok(Self { ms })
    }
}
