//! A notification engine that can be embedded in any program.
//!
//! The engine reads one YAML file with channels, defaults and hosts, and loads one plugin for each
//! channel `type`. It routes a notification about a host to that host's channels, delivers it to
//! all of them concurrently, and returns one result per channel.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use annunciator::{Engine, Notification, Severity};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::builder("/etc/heartbeat/heartbeat.yaml").start().await?;
//!
//! let alert = Notification::new("CPU at 95 %").severity(Severity::Critical);
//! let report = engine.notify_host("prod-web-01", alert).await?;
//! for (channel, delivered) in report.results() {
//!     println!("{channel}: {delivered}");
//! }
//!
//! let drained = engine.shutdown(Duration::from_secs(10)).await;
//! assert_eq!(drained.abandoned, 0);
//! # Ok(())
//! # }
//! ```
//!
//! The engine runs on the tokio runtime in which it is started. That runtime needs timers and
//! sockets (`enable_all`), and must live as long as the engine. Other runtimes and threads can
//! call the engine too; their calls are carried out on that runtime. In a child that was forked
//! from the engine's process, every call fails with [`Misplaced`].
//!
//! Plugins run on threads of the engine's own, so that a plugin that blocks delays nothing else.
//! The engine installs no logger, no panic hook and no signal handler.
//!
//! # Metrics
//! The engine reports metrics to the recorder of the [`metrics`] facade. The program installs the
//! recorder before the engine starts; without one, metrics cost next to nothing.
//!
//! | name | kind | labels | meaning |
//! | --- | --- | --- | --- |
//! | `annunciator_deliveries_total` | counter | `channel`, `outcome` | deliveries that ended; `outcome` is `delivered`, or the worst of `retry`, `unknown` and `permanent` among the targets |
//! | `annunciator_delivery_seconds` | histogram | `channel` | the time from acceptance to outcome |
//! | `annunciator_deliveries_under_way` | gauge | | deliveries that wait or are under way |
//! | `annunciator_active_alerts` | gauge | `kind` | alerts, which are problems that keep people from being notified: `store`, `circuit_open`, `quota`, `check`, `crashes`, `disabled` |
//! | `annunciator_workers_ended_total` | counter | `channel` | worker processes that ended while their channel needed them, with `isolation: process` |
//! | `annunciator_stored_deliveries` | gauge | `state` | deliveries in the store, by state |
//! | `annunciator_accounts_difference` | gauge | | accepted deliveries that are in no state: always 0 |
//! | `annunciator_channels` | gauge | `state` | configured channels that are `open` or `disabled` |
//!
//! `channel` is the name of a configured channel. The channels of [`Engine::notify_with`] share
//! the label `(ad hoc)`.

mod alerts;
mod clock;
mod config;
mod delivery;
mod engine;
mod event;
mod line;
mod plugin;
mod router;
mod runtime;
mod services;
#[doc(hidden)]
pub mod standalone;
#[doc(inline)]
pub use annunciator_store as store;
pub mod worker;

pub use alerts::Alert;
pub use clock::{Clock, Sleep, SystemClock};
pub use config::{
    Canary, ChannelConfig, ChannelOptions, Config, DeliveryConfig, GroupConfig, HostConfig,
    Isolation, Level, OnUnknown, Problem, Problems, QuietHours, Rate, Reach, ReadError, Retention,
    Retry, Section, SectionProblem, Span, StorePlace, document_schema, presentable,
};
pub use delivery::{
    ChannelReport, ChannelStatus, Check, CheckStatus, CircuitState, CircuitStatus, Class, Fault,
    LastCheck, RateLimitStatus, Report, StepReport, TargetReport,
};
pub use engine::{
    Acknowledge, AcknowledgedIncident, Drained, Engine, EngineBuilder, LoadError, Loaded,
    Misplaced, NotifyError, PendingSubmission, Planned, Receipt, Reloaded, StartError, Submitted,
    Unusable, definitions,
};
pub use event::{Kind, Notification, Proof, Severity};
pub use plugin::{
    ChannelType, Distrust, Lock, LockError, LockMode, Origin, PluginDir, PluginError, PluginFile,
    ProofHint, Proofs, Sha256, Trust, Why, default_dirs, inspect,
};
pub use router::{Route, UnknownChannel};
pub use runtime::Catalog;

/// Compiles the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
