//! What outlives the monitor: an SQLite file.
//!
//! `schema` has the tables, `batch` is what one transaction writes, `file`
//! opens, reads and writes, `writer` gathers what is written at about the
//! same time into one transaction, on a thread of its own. The tables of this
//! store begin with `monitor_`; others may stand in the same file.

mod batch;
mod error;
mod file;
mod load;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Liveness};
pub use error::StoreError;
pub use file::{Location, Store};
pub use load::{HistoryLine, Kept};
pub use writer::{Durable, Health, Writer};
