//! The running monitor: the machine, its clock, its sockets, its state and its
//! forwarder, put together.
//!
//! `timeline` turns the machine's clocks into one that nobody can set, `monitor` is
//! what all threads share, `intake` receives datagrams, `ticker` lets time pass,
//! `start` begins and ends it all, `restore` opens the state, `reload` takes
//! another configuration, `delivery_counts` asks the store of deliveries at a
//! limited rate, `liveness` knows whether the threads still work, `state_alert`
//! decides when people learn that the state cannot be written.

mod delivery_counts;
mod intake;
mod liveness;
mod monitor;
mod overview;
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
pub use refusals::Refusals;
pub use reload::{ReloadError, ReloadTally, Reloaded, Reloading};
pub use socket::BindError;
pub use start::{Prepared, Running, StartError, prepare, start};

/// Runs some work and survives its panic, which would be a bug of the monitor; the
/// panic hook has logged its message already.
fn catch_panic<T>(doing: &str, work: impl FnOnce() -> T) -> Option<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    done.inspect_err(|_| {
        tracing::error!("{doing} failed: this is a fault of the monitor; it goes on")
    })
    .ok()
}
