//! What was written, read back.

use std::sync::Arc;

use annunciator_protocol::Family;
use rusqlite::Row;
use serde::de::DeserializeOwned;

use super::{batch::Liveness, error::StoreError, file::Store};
use crate::{
    machine::{Globals, Moment, Seen, Snapshot, Tick},
    tell::{LedgerChange, Telling, Under},
};

/// All that was kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// When the monitor was last known to see; `None` when this is its first
    /// start.
    pub liveness: Option<Liveness>,
    /// The machine's part.
    pub snapshot: Snapshot,
    /// Tellings that were not handed over, the oldest first.
    pub tellings: Vec<Telling>,
    /// The ledger's part.
    pub told: Vec<LedgerChange>,
}

impl Store {
    /// Reads all that was kept.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read, or is damaged.
    pub fn load(&self) -> Result<Kept, StoreError> {
        self.read().map_err(|error| match error {
            // Sound pages with content that makes no sense.
            rusqlite::Error::FromSqlConversionFailure(..) => StoreError::Damaged {
                path: self.path().to_owned(),
                detail: error.to_string(),
            },
            error => self.error("read", &error),
        })
    }

    fn read(&self) -> rusqlite::Result<Kept> {
        let liveness = self
            .all(
                "SELECT tick, wall_ms, uptime_ms, kernel_boot FROM monitor_liveness",
                |row| {
                    Ok(Liveness {
                        at: moment(row, 0)?,
                        uptime_ms: row.get::<_, i64>(2)?.cast_unsigned(),
                        kernel_boot: row.get(3)?,
                    })
                },
            )?
            .pop();
        let globals = self
            .all("SELECT content FROM monitor_globals", content)?
            .pop();
        let snapshot = Snapshot {
            last: liveness
                .as_ref()
                .map(|liveness| liveness.at)
                .unwrap_or_default(),
            hosts: self.all("SELECT content FROM monitor_host", content)?,
            seen: self.all(
                "SELECT host, family, tick, wall_ms, boots, counter FROM monitor_seen",
                seen,
            )?,
            held: self.all("SELECT content FROM monitor_held ORDER BY number", content)?,
            silences: self.all("SELECT content FROM monitor_silence", content)?,
            globals: globals.unwrap_or_else(Globals::default),
        };
        let tellings = self.all(
            "SELECT id, key, names, message FROM monitor_waiting ORDER BY id",
            telling,
        )?;
        let told = self.all("SELECT incident, name, under FROM monitor_open", |row| {
            Ok(LedgerChange {
                incident: name(row, 0)?,
                name: name(row, 1)?,
                under: Some(Under::read(row.get_ref(2)?.as_str()?)),
            })
        })?;
        Ok(Kept {
            liveness,
            snapshot,
            tellings,
            told,
        })
    }

    fn all<T>(
        &self,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.database.prepare(sql)?.query_map([], read)?.collect()
    }
}

fn moment(row: &Row<'_>, first: usize) -> rusqlite::Result<Moment> {
    Ok(Moment {
        tick: Tick(row.get::<_, i64>(first)?.cast_unsigned()),
        wall_ms: row.get(first + 1)?,
    })
}

fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<str>> {
    Ok(Arc::from(row.get_ref(column)?.as_str()?))
}

fn content<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<T> {
    json(row, 0)
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| odd(column, error))
}

fn odd(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

fn seen(row: &Row<'_>) -> rusqlite::Result<Seen> {
    let counter: Option<String> = row.get(5)?;
    let family = row.get_ref(1)?.as_str()?;
    Ok(Seen {
        host: name(row, 0)?,
        family: if family == Family::V6.name() {
            Family::V6
        } else {
            Family::V4
        },
        at: moment(row, 2)?,
        boots: row.get(4)?,
        counter: match counter {
            Some(text) => Some(text.parse().map_err(|error| odd(5, error))?),
            None => None,
        },
    })
}

pub(super) fn telling(row: &Row<'_>) -> rusqlite::Result<Telling> {
    Ok(Telling {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        key: name(row, 1)?,
        names: json(row, 2)?,
        message: Arc::new(json(row, 3)?),
    })
}
