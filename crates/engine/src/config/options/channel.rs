//! The options of a channel: one field for each key of its `delivery:`.
//!
//! Doc comments are what editors and docs/delivery.md say of a key, so that they
//! speak of the file and have no links. Keywords that the reader knows besides those
//! of JSON Schema are in `schema/format.rs`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{super::quiet_hours::QuietHours, rate::Rate, value};
use crate::event::Severity;

/// How the engine treats a channel: its `delivery:` key. What it leaves out is as
/// the `delivery:` at the top of the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChannelOptions {
    /// How long one attempt may take. A timeout that nobody chose is never longer
    /// than `ttl`.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "1h"))]
    pub timeout: Duration,

    /// Whether the configuration is refused when the channel's plugin cannot be used.
    /// Otherwise the channel is disabled, and the rest goes on.
    pub required: bool,

    /// Milder messages are suppressed.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Severity>")]
    pub min_severity: Severity,

    /// How often a delivery is attempted, and when.
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub retry: Retry,

    /// How long a delivery is attempted, counted from its acceptance, or from its turn
    /// as a step of a group. Then it expires.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>")]
    #[schemars(extend("x-annunciator-max" = "30days", "x-annunciator-needs-store" = true))]
    pub ttl: Duration,

    /// What happens to a delivery that was sent, or perhaps was, without an answer.
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub on_unknown: OnUnknown,

    /// How many messages may be sent in a time of at most 30 days.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<Rate>>")]
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub rate_limit: Option<Rate>,

    /// Hours of the day in which messages are held back, for a digest.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<QuietHours>>")]
    #[schemars(extend("x-annunciator-needs-store" = true))]
    pub quiet_hours: Option<QuietHours>,

    /// The same message of the same incident is sent once within this time.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<Duration>>")]
    #[schemars(extend("x-annunciator-max" = "30days", "x-annunciator-needs-store" = true))]
    pub dedup: Option<Duration>,

    /// Checks on a schedule that the channel works, which deliver nothing.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Option<Canary>>")]
    pub canary: Option<Canary>,

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
            // What is older than a day is no news.
            ttl: Duration::from_secs(24 * 3600),
            on_unknown: OnUnknown::Resend,
            rate_limit: None,
            quiet_hours: None,
            dedup: None,
            canary: None,
            isolation: Isolation::None,
        }
    }
}

/// How often a delivery is attempted, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Retry {
    /// Attempts in all, the first included.
    // With pauses that double, more make no difference.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,

    /// How long the first pause may be. Each further one may be twice as long; chance
    /// makes it shorter.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "30days"))]
    pub first: Duration,

    /// How long a pause may be at most, unless the remote asks for more.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "30days"))]
    pub max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        // Eight attempts with pauses that double from 2 s span some four
        // minutes: a restart of the remote, or of a router on the way.
        Self {
            attempts: 8,
            first: Duration::from_secs(2),
            max: Duration::from_secs(600),
        }
    }
}

/// What happens to a delivery that was sent, or perhaps was, without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// It is sent again: better twice than never.
    #[default]
    Resend,
    /// It stays unknown.
    Drop,
    /// The remote is asked, where it can be; else it is sent again.
    Ask,
}

/// Checks on a schedule that a channel works, which deliver nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Canary {
    /// How often the plugin's check runs. A remote is not asked more often than once a
    /// minute.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>")]
    #[schemars(extend("x-annunciator-min" = "1m", "x-annunciator-max" = "30days"))]
    pub every: Duration,

    /// How many checks in a row must fail until that is reported through the other
    /// channels.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 100))]
    pub failures: u32,
}

/// One failure may be a moment's.
fn two() -> u32 {
    2
}

/// Where a channel's plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the program itself, which a crash of the plugin ends.
    #[default]
    None,
    /// In a worker process of the channel's own, which is started again when the
    /// plugin crashes, so that nobody else is harmed.
    Process,
}
