//! The state that survives a restart: an SQLite file.
//!
//! `schema` has the tables, `batch` is what one transaction writes and `write` writes it,
//! `state` opens the file, `load` reads it at the start, `history` reads the history of
//! hosts, and `forget` deletes hosts that are gone. The tables begin with `monitor_`, since
//! the engine's store of deliveries may be in the same file.

mod batch;
mod error;
mod forget;
mod history;
mod load;
mod rows;
mod schema;
mod state;
mod write;

#[cfg(test)]
mod tests;

pub use batch::{Batch, ClockCheckpoint};
pub use error::StoreError;
pub use history::{HistoryLine, StateChange, changes, history};
pub use load::StoredState;
pub use state::{Location, StateStore};
pub(crate) use write::{prune, write};
