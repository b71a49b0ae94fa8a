//! What was written, read back.

use rusqlite::Row;

use super::{
    batch::ClockCheckpoint,
    error::StoreError,
    file::Store,
    rows::{content, moment, name, outbound, seen},
};
use crate::{
    incidents::{Grouping, IncidentChange, OutboundMessage},
    machine::{Globals, Snapshot},
};

/// All that was kept.
#[derive(Debug, Default)]
pub struct StoredState {
    /// When the monitor was last known to see; `None` when this is its first
    /// start.
    pub liveness: Option<ClockCheckpoint>,
    /// The machine's part.
    pub snapshot: Snapshot,
    /// Messages that were not forwarded, the oldest first.
    pub outbound: Vec<OutboundMessage>,
    /// The incident log's part.
    pub incidents: Vec<IncidentChange>,
}

impl Store {
    /// Reads all that was kept.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read, or is damaged.
    pub fn load(&self) -> Result<StoredState, StoreError> {
        self.read().map_err(|error| match error {
            // Sound pages with content that makes no sense.
            rusqlite::Error::FromSqlConversionFailure(..) => StoreError::Damaged {
                path: self.path().to_owned(),
                detail: error.to_string(),
            },
            error => self.error("read", &error),
        })
    }

    fn read(&self) -> rusqlite::Result<StoredState> {
        let liveness = self
            .all(
                "SELECT tick, wall_ms, uptime_ms, kernel_boot FROM monitor_liveness",
                |row| {
                    Ok(ClockCheckpoint {
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
        let outbound = self.all(
            "SELECT id, key, names, message FROM monitor_waiting ORDER BY id",
            outbound,
        )?;
        let incidents = self.all("SELECT incident, name, under FROM monitor_open", |row| {
            Ok(IncidentChange {
                incident: name(row, 0)?,
                name: name(row, 1)?,
                grouping: Some(Grouping::read(row.get_ref(2)?.as_str()?)),
            })
        })?;
        Ok(StoredState {
            liveness,
            snapshot,
            outbound,
            incidents,
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
