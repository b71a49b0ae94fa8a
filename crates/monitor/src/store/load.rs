//! Reads the stored state.

use rusqlite::{Connection, Row};

use super::{
    batch::ClockCheckpoint,
    error::StoreError,
    rows::{content, moment, name, outbound, seen},
    state::StateStore,
};
use crate::{
    incidents::{IncidentChange, OutboundMessage, Reported},
    machine::{Globals, Snapshot},
};

/// The stored state.
#[derive(Debug, Default)]
pub struct StoredState {
    /// When the monitor was last known to receive; `None` if this is its first start.
    pub liveness: Option<ClockCheckpoint>,
    /// The state of the machine.
    pub snapshot: Snapshot,
    /// The messages that were not forwarded, oldest first.
    pub outbound: Vec<OutboundMessage>,
    /// The open incidents.
    pub incidents: Vec<IncidentChange>,
}

impl StateStore {
    /// Reads the whole state.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the state cannot be read, or is damaged.
    pub async fn load(&self) -> Result<StoredState, StoreError> {
        let read = self.file().read(|transaction| match read(transaction) {
            // The pages are intact, but their content is invalid.
            Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => {
                Ok(Err(error.to_string()))
            }
            read => read.map(Ok),
        });
        read.await?.map_err(|detail| StoreError::Damaged {
            path: self.path().to_owned(),
            detail,
        })
    }
}

fn read(connection: &Connection) -> rusqlite::Result<StoredState> {
    let liveness = all(
        connection,
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
    let globals = all(connection, "SELECT content FROM monitor_globals", content)?.pop();
    let snapshot = Snapshot {
        last: liveness
            .as_ref()
            .map(|liveness| liveness.at)
            .unwrap_or_default(),
        hosts: all(connection, "SELECT content FROM monitor_host", content)?,
        seen: all(
            connection,
            "SELECT host, family, tick, wall_ms, boots, counter, job FROM monitor_seen",
            seen,
        )?,
        held: all(
            connection,
            "SELECT content FROM monitor_held ORDER BY number",
            content,
        )?,
        silences: all(connection, "SELECT content FROM monitor_silence", content)?,
        globals: globals.unwrap_or_else(Globals::default),
    };
    let outbound = all(
        connection,
        "SELECT id, key, names, message FROM monitor_waiting ORDER BY id",
        outbound,
    )?;
    let incidents = all(
        connection,
        "SELECT incident, name, under FROM monitor_open",
        |row| {
            Ok(IncidentChange {
                incident: name(row, 0)?,
                name: name(row, 1)?,
                reported: Some(Reported::read(row.get_ref(2)?.as_str()?)),
            })
        },
    )?;
    Ok(StoredState {
        liveness,
        snapshot,
        outbound,
        incidents,
    })
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], read)?.collect()
}
