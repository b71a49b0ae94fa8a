//! A store in an SQLite file, which any number of processes on a machine may use at once.
//!
//! Writes are collected while the disk is busy and done in one transaction, so that many callers
//! share one wait for the disk; each is answered when its write is durable. Reads have a
//! connection of their own, and so has the count of all deliveries, which may take long.
//!
//! `file` opens the file, `worker` has its threads, `schema` has the tables, `owner` knows which stores
//! are alive; the other modules have the statements.

mod accept;
mod acknowledge;
mod acknowledgement;
mod claim;
mod digest;
mod feed;
mod file;
mod history;
mod incident;
mod key_value;
mod look;
mod owner;
#[cfg(test)]
mod plans;
mod rows;
mod schema;
mod settle;
mod step;
mod windows;
mod worker;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, Transaction};

use crate::proof::Proof;

use super::{
    Answer, Store,
    accounts::Accounts,
    acknowledgement::{AcknowledgeRequest, Acknowledged, IncidentQuery, OpenIncident},
    delivery::{Claim, ClaimRequest, DeliveryId},
    error::StoreError,
    feed::{FeedPage, FeedQuery},
    intake::{Accepted, Intake},
    record::{Attempt, Prune, Query, Record},
    settle::{Settled, Settlement, Superseded},
};
pub use file::SqliteFile;
use owner::Owner;
pub use schema::SchemaPart;

/// A store in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    /// The connection by which all deliveries are counted.
    counter: Arc<Mutex<Connection>>,
    file: Arc<SqliteFile>,
    owner: Arc<Owner>,
}

impl SqliteStore {
    /// Opens the store, and creates it if there is none; only the user that the program runs as
    /// may read a new one. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// Fails with [`StoreError`] in one sentence; the file stays as it is.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let file = SqliteFile::open(path, &[schema::DELIVERIES])?;
        Self::over(Arc::new(file))
    }

    /// Opens the store in a file that the program has open for tables of its own. One thread
    /// writes both, and [`accept_in`](Self::accept_in) accepts in the transaction that writes the
    /// others. The caller's thread is not blocked, however long the disk takes.
    ///
    /// # Errors
    /// Fails as [`open`](Self::open) does, and with [`StoreError::Unusable`] for a database in
    /// memory, which no other process could take over.
    pub async fn open_in(file: Arc<SqliteFile>) -> Result<Self, StoreError> {
        file.add_part(schema::DELIVERIES).await?;
        // It makes, locks and reads files, and may wait for other processes.
        let path = file.path().unwrap_or(Path::new("")).to_owned();
        worker::apart("store-opener", path, "opened", move || Self::over(file)).await
    }

    /// Returns the store's part of a file: its name, and the steps to its newest schema.
    #[must_use]
    pub const fn schema_part() -> SchemaPart {
        schema::DELIVERIES
    }

    fn over(file: Arc<SqliteFile>) -> Result<Self, StoreError> {
        let unusable = |path: &Path, detail| StoreError::Unusable {
            path: path.to_owned(),
            action: "opened",
            detail,
        };
        let Some(path) = file.path() else {
            let detail = "it is in memory, where no other process finds deliveries".to_owned();
            return Err(unusable(Path::new(":memory:"), detail));
        };
        let owner = Owner::new(path)
            .map_err(|error| unusable(path, format!("no file can be made beside it: {error}")))?;
        Ok(Self {
            counter: Arc::new(Mutex::new(file.connect_reading()?)),
            owner: Arc::new(owner),
            file,
        })
    }

    /// Accepts a notification as [`accept`](Store::accept) does, within a transaction of the file
    /// that this store was [opened in](Self::open_in): the notification and the transaction's
    /// other writes are recorded together, or none of them is.
    ///
    /// # Errors
    /// Fails with SQLite's error, which makes the transaction fail. The inner result has the
    /// answer.
    pub fn accept_in(
        &self,
        transaction: &Transaction<'_>,
        intake: &Intake,
    ) -> rusqlite::Result<Result<Accepted, StoreError>> {
        accept::accept(transaction, intake, self.owner.name())
    }

    /// Returns what is wrong with a file as a store, as far as that can be seen without opening
    /// it: nothing is created, changed or locked. A missing file is fine.
    ///
    /// # Errors
    /// Fails with [`StoreError::Damaged`], [`StoreError::Foreign`] or [`StoreError::Newer`] if
    /// [`open`](Self::open) would refuse the file, and with [`StoreError::Unusable`] if the user
    /// of this process may not read it.
    pub fn look(path: impl AsRef<Path>) -> Result<(), StoreError> {
        look::look(path.as_ref())
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.file.write(work)
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.file.read(work)
    }
}

impl Store for SqliteStore {
    fn accept(&self, intake: Intake) -> Answer<Accepted> {
        let owner = Arc::clone(&self.owner);
        let accepting =
            self.write(move |transaction| accept::accept(transaction, &intake, owner.name()));
        Box::pin(async move { accepting.await? })
    }

    fn known(&self, intake: Intake) -> Answer<Option<Accepted>> {
        let known = self.read(move |transaction| accept::known(transaction, &intake));
        Box::pin(async move { known.await?.transpose() })
    }

    fn claim(&self, request: ClaimRequest) -> Answer<Vec<Claim>> {
        let owner = Arc::clone(&self.owner);
        self.write(move |transaction| claim::claim(transaction, &request, &owner))
    }

    fn settle(&self, settlement: Settlement) -> Answer<Settled> {
        self.write(move |transaction| settle::settle(transaction, &settlement))
    }

    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>> {
        self.write(move |transaction| claim::next_due(transaction, now_ms))
    }

    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>> {
        self.write(move |transaction| claim::next_expiry(transaction, &channel, now_ms))
    }

    fn ready(&self, now_ms: i64) -> Answer<Vec<String>> {
        let owner = Arc::clone(&self.owner);
        self.write(move |transaction| claim::ready(transaction, now_ms, &owner))
    }

    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>> {
        self.write(move |transaction| step::prove(transaction, delivery, proof, now_ms))
    }

    fn acknowledge(&self, request: AcknowledgeRequest) -> Answer<Acknowledged> {
        let owner = Arc::clone(&self.owner);
        self.write(move |transaction| acknowledge::acknowledge(transaction, &request, owner.name()))
    }

    fn withdraw(&self, incident: String, now_ms: i64) -> Answer<bool> {
        self.write(move |transaction| acknowledgement::withdraw(transaction, &incident, now_ms))
    }

    fn incidents(&self, query: IncidentQuery) -> Answer<Vec<OpenIncident>> {
        self.read(move |transaction| acknowledge::incidents(transaction, &query))
    }

    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64> {
        self.write(move |transaction| settle::retry(transaction, &deliveries, now_ms))
    }

    fn deliveries(&self, query: Query) -> Answer<Vec<Record>> {
        self.read(move |transaction| history::deliveries(transaction, &query))
    }

    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>> {
        self.read(move |transaction| history::attempts(transaction, delivery))
    }

    fn feed(&self, query: FeedQuery) -> Answer<FeedPage> {
        self.read(move |transaction| feed::feed(transaction, query))
    }

    fn accounts(&self) -> Answer<Accounts> {
        let at = self.file.path().unwrap_or(Path::new("")).to_owned();
        let path = at.clone();
        let counter = Arc::clone(&self.counter);
        let counted = worker::apart("store-counter", at, "read", move || {
            let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
            counter
                .transaction()
                .and_then(|transaction| history::accounts(&transaction))
                .map_err(|error| StoreError::of(&path, "read", &error))
        });
        Box::pin(counted)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn prune(&self, prune: Prune) -> Answer<u64> {
        self.write(move |transaction| history::prune(transaction, &prune))
    }

    fn kv_put(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        self.write(move |transaction| key_value::put(transaction, &channel, &key, value.as_deref()))
    }

    fn kv_get(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>> {
        self.read(move |transaction| key_value::get(transaction, &channel, &key))
    }
}
