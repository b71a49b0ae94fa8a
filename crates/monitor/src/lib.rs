//! The heartbeat monitor, to embed.

mod config;
mod incidents;
pub mod machine;
mod notify;
mod running;
mod store;
pub mod thresholds;
pub mod timestamp;

pub use config::{DEFAULT_PORT, Hosts, MonitorConfig, StateFile, declare, require_route_tests};
pub use notify::{DeliveryCounts, HostDelivery};
pub use running::{
    BindError, Explained, Liveness, Monitor, Overview, Prepared, Receiver, Refusals, ReloadError,
    ReloadTally, Reloaded, Reloading, Running, StartError, prepare, start,
};
pub use store::{HistoryLine, Location};
