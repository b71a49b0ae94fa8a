//! Both stores pass the conformance suite and answer as the model does; so does the model
//! itself, by which it is known to be one.

use std::sync::Arc;

use annunciator_store::{MemoryStore, SqliteStore, Store};
use annunciator_testkit::{
    store_agrees, store_suite,
    stores::{Subject, model::ModelStore},
};
use tempfile::TempDir;

impl Subject for Memory {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

#[derive(Debug)]
struct Memory(MemoryStore);

#[derive(Debug)]
struct Model(ModelStore);

impl Subject for Model {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

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
    store_agrees!(Memory(MemoryStore::remembering(usize::MAX)));
}

mod sqlite {
    use super::*;

    store_suite!(Sqlite::new());
    store_agrees!(Sqlite::new());
}

mod model {
    use super::*;

    store_suite!(Model(ModelStore::default()));
}
