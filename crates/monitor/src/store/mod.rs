//! The state that survives a restart: an SQLite file.
//!
//! `schema` has the tables, `batch` is what one transaction writes, `file` opens
//! and writes the file, `load` reads it at the start, `reader` answers questions
//! over a connection of its own, `write_queue` has what waits to be written and
//! who waits for that, `writer` writes it, on a thread of its own. The tables of
//! this store begin with `monitor_`; others may stand in the same file.

mod batch;
mod error;
mod file;
mod forget;
mod load;
mod reader;
mod rows;
mod schema;
mod write_queue;
mod writer;

#[cfg(test)]
mod tests;

pub use batch::{Batch, ClockCheckpoint};
pub use error::StoreError;
pub use file::{Location, Store};
pub use load::StoredState;
pub use reader::HistoryLine;
pub use writer::Writer;
