//! How the engine treats what goes to a channel: its `delivery:` key, as it is
//! checked. What the keys mean is here; how they are read is in `options`.

use std::{path::PathBuf, time::Duration};

use super::quiet_hours::QuietHours;
use crate::event::Severity;

/// How the engine treats a channel: its `delivery:` key, and where that is
/// silent, the one at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelOptions {
    /// How long one attempt may take. One that nobody chose is never longer than
    /// the time to live.
    pub timeout: Duration,
    /// Whether the engine refuses to start without this channel's plugin.
    pub required: bool,
    /// What is milder is kept back.
    pub min_severity: Severity,
    /// How often it is tried, and when.
    pub retry: Retry,
    /// What could not be delivered for so long is not delivered any more.
    pub ttl: Duration,
    /// How much may be sent; nothing for as much as there is.
    pub rate_limit: Option<Rate>,
    /// What happens to what may have been sent.
    pub on_unknown: OnUnknown,
    /// When people are left in peace.
    pub quiet_hours: Option<QuietHours>,
    /// The same message of the same incident is told once within this time.
    pub dedup: Option<Duration>,
    /// How the channel proves that it works when nothing is told.
    pub canary: Option<Canary>,
    /// Where its plugin runs.
    pub isolation: Isolation,
}

/// Where a channel's plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// In the program's own process: a crash of the plugin ends it.
    #[default]
    None,
    /// In a worker process of the channel's own, which is started again when the
    /// plugin crashes.
    Process,
}

impl Isolation {
    /// The words for it in a file.
    pub(super) const NAMES: [(&str, Self); 2] = [("none", Self::None), ("process", Self::Process)];
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
            rate_limit: None,
            on_unknown: OnUnknown::Resend,
            quiet_hours: None,
            dedup: None,
            canary: None,
            isolation: Isolation::None,
        }
    }
}

/// How often a delivery is tried, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// How long the first pause may be; each further one may be twice as long.
    pub first: Duration,
    /// How long a pause may be at most, unless the remote asks for more.
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

/// Checks of a channel on a schedule, which deliver nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Canary {
    /// How often.
    pub every: Duration,
    /// So many that fail in a row are told through the other channels; at
    /// least 1.
    pub failures: u32,
}

/// So many messages in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// How many; at least 1.
    pub messages: u32,
    /// In which time.
    pub per: Duration,
}

/// What happens to a delivery that was sent, or perhaps was, without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// It is sent again: better twice than never.
    #[default]
    Resend,
    /// It stays unknown.
    Drop,
    /// The remote is asked, where it can be; else it is sent again.
    Ask,
}

impl OnUnknown {
    pub(super) const NAMES: [(&str, Self); 3] = [
        ("resend", Self::Resend),
        ("drop", Self::Drop),
        ("ask", Self::Ask),
    ];
}

/// What concerns deliveries and no single channel: the `delivery:` at the top of
/// the file, besides the options of channels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryConfig {
    /// Where deliveries are kept until they end.
    pub store: StorePlace,
    /// How long a call that wants the outcome waits for it.
    pub wait: Duration,
    /// How much is kept of what has ended.
    pub keep: Keep,
}

/// How much is kept of what has ended. What has not ended is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keep {
    /// What is older is deleted.
    pub age: Duration,
    /// What is beyond so many of the newest notifications is deleted; at least
    /// 1.
    pub notifications: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            // Much longer than anything may still be delivered, so that its
            // end can be looked at.
            age: Duration::from_secs(90 * 24 * 3600),
            // Some gigabytes of usual ones.
            notifications: 10_000_000,
        }
    }
}

/// Where deliveries are kept until they end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StorePlace {
    /// The file doesn't say: where the embedding program keeps them, see
    /// [`EngineBuilder::default_store`](crate::EngineBuilder::default_store),
    /// else in memory.
    #[default]
    Unsaid,
    /// Nowhere: a notification is tried once.
    Nowhere,
    /// In memory, for as long as the engine lives.
    Memory,
    /// In this file.
    File(PathBuf),
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            store: StorePlace::Unsaid,
            // As long as one attempt may take.
            wait: Duration::from_secs(30),
            keep: Keep::default(),
        }
    }
}
