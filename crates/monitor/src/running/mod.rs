//! The running monitor: the machine, its clock, its sockets, its store and
//! its teller, put together.
//!
//! `timeline` turns the machine's clocks into one that nobody can set, `core`
//! is what all threads share, `intake` takes datagrams, `pulse` lets time
//! pass, `start` begins and ends it all, `opening` gets at the state, `reload` takes another
//! configuration, `books` has what the store of deliveries counts, `vitals` knows
//! whether all of that still works.

mod books;
mod core;
mod intake;
mod opening;
mod overview;
mod pulse;
mod refusals;
mod reload;
mod routes;
mod socket;
mod start;
mod timeline;
mod trouble;
mod vitals;

pub use core::Core;
pub use intake::Receiver;
pub use overview::{Explained, Overview};
pub use refusals::Refusals;
pub use reload::{ReloadError, ReloadTally, Reloaded, Reloading};
pub use socket::BindError;
pub use start::{Ready, Running, StartError, prepare, start};
pub use vitals::Vitals;

/// Goes on after a panic, which would be a fault of the monitor's own: the
/// panic's message is in the log already, by the panic hook.
fn unless_it_breaks<T>(doing: &str, work: impl FnOnce() -> T) -> Option<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    done.inspect_err(|_| {
        tracing::error!("{doing} failed: this is a fault of the monitor; it goes on")
    })
    .ok()
}
