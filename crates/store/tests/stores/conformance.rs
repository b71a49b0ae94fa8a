//! Both stores pass the conformance suite.

use std::sync::Arc;

use annunciator_store::{MemoryStore, SqliteStore, Store};
use annunciator_testkit::{store_suite, stores::Subject};
use tempfile::TempDir;

impl Subject for Memory {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

#[derive(Debug)]
struct Memory(MemoryStore);

#[derive(Debug)]
struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Subject for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.0.path().join("outbox.sqlite")).unwrap())
    }
}

mod memory {
    use super::*;

    store_suite!(Memory(MemoryStore::default()));
}

mod sqlite {
    use super::*;

    store_suite!(Sqlite::new());
}
