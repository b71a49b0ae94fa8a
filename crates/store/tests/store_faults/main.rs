//! The store in a file under faults: processes that are killed, several at
//! once, files that cannot be used, a disk that is full.
//!
//! Another process is this test binary again, see `child`; each other file
//! holds one kind of fault.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod batch;
mod child;
mod disk;
mod killed;
mod owners;
mod private;
mod reopened;
mod several;
mod unusable;

use std::{path::Path, sync::Arc};

use annunciator_store::{SqliteStore, Store};

/// Opens a store, as the suite's helpers want it.
fn open(file: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(file).unwrap())
}
