//! What outlives the monitor: an SQLite file.
//!
//! `schema` has the tables, `batch` is what one transaction writes, `file`
//! opens, reads and writes, `archive` answers what was told and what happened,
//! `pile` has what waits to be written and who waits for that, `writer` writes
//! it, on a thread of its own. The tables of this store begin with `monitor_`;
//! others may stand in the same file.

mod archive;
mod batch;
mod error;
mod file;
mod forget;
mod load;
mod pile;
mod schema;
mod writer;

#[cfg(test)]
mod hanging;
#[cfg(test)]
mod tests;

pub use archive::HistoryLine;
pub use batch::{Batch, Liveness};
pub use error::StoreError;
pub use file::{Location, Store};
pub use load::Kept;
pub use writer::Writer;
