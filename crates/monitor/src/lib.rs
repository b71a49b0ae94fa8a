//! The heartbeat monitor, to embed.

mod config;
pub mod machine;
mod running;
mod store;
mod tell;
pub mod thresholds;
pub mod timestamp;

pub use config::{DEFAULT_PORT, Hosts, Monitor, StateFile, declare, insist_on_tests, monitor};
pub use running::{
    BindError, Core, Explained, Overview, Ready, Receiver, Refusals, ReloadError, ReloadTally,
    Reloaded, Reloading, Running, StartError, Vitals, prepare, start,
};
pub use store::{HistoryLine, Location, Store, StoreError};
pub use tell::{Counts, Told};
