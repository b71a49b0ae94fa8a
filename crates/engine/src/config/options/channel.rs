//! The options of a channel: one field for each key of its `delivery:`.
//!
//! The doc comments are the descriptions of the keys in editors and in docs/delivery.md. They
//! therefore describe the file and have no links. `schema/format.rs` documents the keywords that
//! the reader supports besides those of JSON Schema.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{super::quiet_hours::QuietHours, rate::Rate, value};
use crate::event::Severity;

/// The delivery options of a channel: its `delivery:` key. Keys that are left out have
/// the values of the `delivery:` at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChannelOptions {
    /// The timeout of one attempt. The default is never longer than `ttl`.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "1h"))]
    pub timeout: Duration,

    /// Whether the configuration is refused when the channel's plugin cannot be used.
    /// Otherwise the channel is disabled, and the other channels keep working.
    pub required: bool,

    /// The lowest severity that is sent. Milder messages are suppressed.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Severity>")]
    pub min_severity: Severity,

    /// How many attempts a delivery gets, and the backoff between them.
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub retry: Retry,

    /// The time to live of a delivery, from its acceptance, or from its turn as a step
    /// of a group. Then it expires.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>")]
    #[schemars(extend("x-annunciator-max" = "30days", "x-annunciator-needs-store" = true))]
    pub ttl: Duration,

    /// What happens to a delivery that was or may have been sent, but got no answer.
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub on_unknown: OnUnknown,

    /// The rate limit: how many messages may be sent within a period of at most 30 days.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<Rate>>")]
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub rate_limit: Option<Rate>,

    /// Hours of the day in which messages wait for a digest.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<QuietHours>>")]
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub quiet_hours: Option<QuietHours>,

    /// The deduplication window: the same message of the same incident is sent once
    /// within this time.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<Duration>>")]
    #[schemars(extend("x-annunciator-max" = "30days", "x-annunciator-needs-store" = true))]
    pub dedup: Option<Duration>,

    /// Scheduled checks that the channel works. They deliver nothing.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<Canary>>")]
    pub canary: Option<Canary>,

    /// Whether the channel, if it was notified of a problem, is also notified of who has taken
    /// it over.
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub announce_acknowledgements: bool,

    /// Where the channel's plugin runs.
    pub isolation: Isolation,
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            required: false,
            min_severity: Severity::Info,
            retry: Retry::default(),
            // A message that is older than a day is no news.
            ttl: Duration::from_secs(24 * 3600),
            on_unknown: OnUnknown::Resend,
            rate_limit: None,
            quiet_hours: None,
            dedup: None,
            canary: None,
            announce_acknowledgements: true,
            isolation: Isolation::None,
        }
    }
}

/// How many attempts a delivery gets, and the backoff between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Retry {
    /// The maximum number of attempts, the first included.
    // With a backoff that doubles, more attempts make no difference.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,

    /// The first backoff. It doubles after each attempt, and jitter shortens it.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "30days"))]
    pub first: Duration,

    /// The maximum backoff, unless the remote asks for more.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "30days"))]
    pub max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        // Eight attempts with a backoff that doubles from 2 s take about four minutes: long enough
        // for a restart of the remote, or of a router on the path.
        Self {
            attempts: 8,
            first: Duration::from_secs(2),
            max: Duration::from_secs(600),
        }
    }
}

/// What happens to a delivery that was or may have been sent, but got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Send it again: better twice than never.
    #[default]
    Resend,
    /// Leave it unknown.
    Drop,
    /// Ask the remote where it can be asked, otherwise send it again.
    Ask,
}

/// Scheduled checks that a channel works. They deliver nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Canary {
    /// The interval of the plugin's check. A remote is not asked more often than once a
    /// minute.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>")]
    #[schemars(extend("x-annunciator-min" = "1m", "x-annunciator-max" = "30days"))]
    pub every: Duration,

    /// How many checks in a row must fail before people are notified through the other
    /// channels.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 100))]
    pub failures: u32,
}

/// The default number: a single failure may be temporary.
fn two() -> u32 {
    2
}

/// Where a channel's plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the program itself; a crash of the plugin ends the program.
    #[default]
    None,
    /// In a worker process of the channel's own; a crash of the plugin ends only that
    /// process, which is restarted.
    Process,
}
