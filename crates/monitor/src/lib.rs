//! The heartbeat monitor of `hbd`, as a library to embed.
//!
//! Hosts send heartbeats over UDP, as [`annunciator_protocol`] describes them. The
//! monitor decides which host is up, late, overdue, down or flapping and which
//! metric is beyond its threshold, keeps that in a state file, and notifies people
//! through an [`Engine`]: every problem once, and its end where the problem went.
//! A program gets all of that without `hbd`'s command line, control socket or HTTP
//! side.
//!
//! # Embedding
//!
//! [`declare`] registers the monitor's sections of the configuration file with the engine's
//! builder, [`prepare`] opens sockets and state, and [`Prepared::start`] starts the threads
//! over an engine. In between, the engine starts with the state file as its store of
//! deliveries, so that a state change and the notifications that follow from it are
//! recorded in one transaction.
//!
//! ```no_run
//! use annunciator::Engine;
//! use annunciator_monitor::{Location, MonitorConfig, declare, prepare};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let builder = declare(Engine::builder("/etc/heartbeat/heartbeat.yaml"));
//! let loaded = builder.load()?;
//! let config = MonitorConfig::of(&loaded.config);
//! let state = Location::File("/var/lib/heartbeat/state.sqlite".into());
//! let mut prepared = prepare(&loaded.config, config, &state).await?;
//!
//! let builder = match prepared.deliveries(&loaded.config).await? {
//!     Some(store) => builder.store(store),
//!     // The configuration names another place, or the state is in memory.
//!     None => builder,
//! };
//! let engine = builder.start_with(loaded).await?;
//! // Called every few seconds while the monitor works: for a watchdog.
//! let running = prepared.start(engine, || {})?;
//!
//! let overview = running.monitor().overview().await;
//! println!("{} hosts at {:?}", overview.hosts.len(), running.addresses());
//!
//! tokio::signal::ctrl_c().await?;
//! let cut_off = running.stop().await;
//! println!("{cut_off} messages are sent again after the next start");
//! # Ok(())
//! # }
//! ```
//!
//! # While it runs
//!
//! [`Running::monitor`] returns the [`Monitor`], which threads and tasks share. It answers
//! with an [overview](Monitor::overview) of all hosts and the [evidence](Monitor::explain)
//! of one, takes [pings](Monitor::ping) of jobs, sets [silences](Monitor::silence), and reports whether its threads still
//! [work](Monitor::liveness). [`Reloading`] reloads the configuration, as a whole or not at
//! all.
//!
//! The monitor never blocks on its disk. While the state cannot be written, the monitor
//! works from memory and notifies people of the problem.
//!
//! # The state machine alone
//!
//! [`machine`] makes the decisions. It does no I/O and reads no clock, so that a program
//! can drive it by itself, as the tests do. [`thresholds`] has the rules for metrics.
//!
//! [`Engine`]: annunciator::Engine

mod config;
mod incidents;
pub mod machine;
mod notify;
pub mod ping;
mod running;
mod schedule;
mod store;
pub mod thresholds;
pub mod timestamp;

pub use config::{DEFAULT_PORT, Hosts, MonitorConfig, StateFile, declare, require_route_tests};
pub use incidents::AcknowledgeLink;
pub use notify::{DeliveryCounts, HostDelivery};
pub use running::{
    BindError, Explained, Liveness, Monitor, Overview, PingCounts, Prepared, Receiver, Refusals,
    ReloadError, ReloadTally, Reloaded, Reloading, Running, StartError, prepare, start,
};
pub use schedule::{Schedule, ScheduleError};
pub use store::{HistoryLine, Location, StateChange};
