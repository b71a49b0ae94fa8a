//! Reads history and outbound messages over a connection of its own, so that
//! no question holds up what is written.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};

use super::{error::StoreError, rows::outbound};
use crate::incidents::OutboundMessage;

/// How long whoever asks waits for the disk.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// A line of a host's history: what happened, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HistoryLine {
    /// When it happened, in milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// What happened, in one sentence.
    pub text: String,
}

/// The newest lines of a host's history, and the newest outbound messages about it that
/// were not forwarded.
pub type Records = (Vec<HistoryLine>, Vec<OutboundMessage>);

/// Reads a store that is written elsewhere.
#[derive(Debug)]
pub struct ReadConnection {
    path: PathBuf,
    database: Connection,
}

impl ReadConnection {
    pub(super) fn open(path: PathBuf, address: &Path, busy: Duration) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let opened = Connection::open_with_flags(address, flags).and_then(|database| {
            database.busy_timeout(busy)?;
            Ok(database)
        });
        match opened {
            Ok(database) => Ok(Self { path, database }),
            Err(error) => Err(StoreError::of(&path, "opened", &error)),
        }
    }

    /// The newest lines and outbound messages, the oldest of them first.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn records(&self, host: &str, most: u32) -> Result<Records, StoreError> {
        let read = || Ok((self.history(host, most)?, self.outbound_of(host, most)?));
        read().map_err(|error| StoreError::of(&self.path, "read", &error))
    }

    fn history(&self, host: &str, most: u32) -> rusqlite::Result<Vec<HistoryLine>> {
        let mut statement = self.database.prepare_cached(
            "SELECT wall_ms, text FROM monitor_history WHERE host = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map((host, most), |row| {
            Ok(HistoryLine {
                wall_ms: row.get(0)?,
                text: row.get(1)?,
            })
        })?;
        let mut lines: Vec<_> = rows.collect::<Result<_, _>>()?;
        lines.reverse();
        Ok(lines)
    }

    fn outbound_of(&self, host: &str, most: u32) -> rusqlite::Result<Vec<OutboundMessage>> {
        let mut statement = self.database.prepare_cached(
            "SELECT id, key, names, message FROM monitor_waiting
             WHERE host = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map((host, most), outbound)?;
        let mut outbound: Vec<_> = rows.collect::<Result<_, _>>()?;
        outbound.reverse();
        Ok(outbound)
    }

    /// An outbound message that was not forwarded.
    fn outbound(&self, id: u64) -> Result<Option<OutboundMessage>, StoreError> {
        let read = || {
            self.database
                .prepare_cached(
                    "SELECT id, key, names, message FROM monitor_waiting WHERE id = ?1",
                )?
                .query_row([id.cast_signed()], outbound)
                .optional()
        };
        read().map_err(|error| StoreError::of(&self.path, "read", &error))
    }
}

/// Asks a connection without holding up the runtime: one question at a time, so
/// that a disk that hangs costs one thread.
#[derive(Debug, Clone)]
pub(super) struct Reader(Arc<Mutex<Option<ReadConnection>>>);

impl Reader {
    pub(super) fn new(reader: Option<ReadConnection>) -> Self {
        Self(Arc::new(Mutex::new(reader)))
    }

    /// What is known; nothing when it cannot be read.
    pub(super) async fn records(&self, host: Arc<str>, most: u32) -> Records {
        let records = self.ask(move |reader| reader.records(&host, most)).await;
        records.unwrap_or_default()
    }

    /// An outbound message that was not forwarded; none when it cannot be read.
    pub(super) async fn outbound(&self, id: u64) -> Option<OutboundMessage> {
        self.ask(move |reader| reader.outbound(id)).await.flatten()
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&ReadConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let asking = async {
            let reader = Arc::clone(&self.0).lock_owned().await;
            let reading = spawn_blocking(move || {
                let read = question(reader.as_ref()?);
                read.inspect_err(|error| tracing::warn!("{error}")).ok()
            });
            reading.await.ok().flatten()
        };
        timeout(READ_TIMEOUT, asking).await.ok().flatten()
    }
}
