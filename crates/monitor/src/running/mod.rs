//! The running monitor: the machine with its clock, sockets, state and recorder.
//!
//! `timeline` turns the system's clocks into one that nobody can set, `monitor` is what all
//! threads share, `intake` receives datagrams, `ticker` advances time, and `start` starts
//! and stops everything. `restore` opens the state, `reload` reloads the configuration,
//! `delivery_counts` reads the store of deliveries at a limited rate, `liveness` reports
//! whether the threads still work, and `state_alert` decides when people are notified that
//! the state cannot be written.

mod delivery_counts;
mod intake;
mod liveness;
mod monitor;
mod overview;
mod ping_counts;
mod refusals;
mod reload;
mod restore;
mod routes;
mod socket;
mod start;
mod state_alert;
mod ticker;
mod timeline;

pub use intake::Receiver;
pub use liveness::Liveness;
pub use monitor::Monitor;
pub use overview::{Explained, Overview};
pub use ping_counts::PingCounts;
pub use refusals::Refusals;
pub use reload::{ReloadError, ReloadTally, Reloaded, Reloading};
pub use socket::BindError;
pub use start::{Prepared, Running, StartError, prepare, start};

/// Runs a function and catches its panic, which would be a bug of the monitor. The panic
/// hook has already logged the message.
fn catch_panic<T>(doing: &str, work: impl FnOnce() -> T) -> Option<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    done.inspect_err(|_| {
        tracing::error!("{doing} failed: this is a fault of the monitor, which continues")
    })
    .ok()
}
