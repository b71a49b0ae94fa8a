//! The running monitor: the machine, its clock, its sockets, its store and
//! its teller, put together.
//!
//! `timeline` turns the machine's clocks into one that nobody can set, `core`
//! is what all threads share, `intake` takes datagrams, `pulse` lets time
//! pass, `start` begins and ends it all, `reload` takes another
//! configuration, `vitals` knows whether all of that still works.

mod core;
mod intake;
mod pulse;
mod refusals;
mod reload;
mod routes;
mod socket;
mod start;
mod timeline;
mod vitals;

pub use core::{Core, Explained, Overview};
pub use intake::Intake;
pub use refusals::Refusals;
pub use reload::{ReloadError, ReloadTally, Reloaded, Reloading};
pub use socket::{BindError, bind};
pub use start::{Running, StartError, start};
pub use timeline::{Reading, Timeline};
pub use vitals::Vitals;
