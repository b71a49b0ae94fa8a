//! Reads the history of hosts.

use std::sync::Arc;

use annunciator::store::SqliteFile;

use super::error::StoreError;
use crate::machine::HostState;

/// The number of changes of a host's state that are read: more are not told apart in a bar.
const MAX_CHANGES: u32 = 500;

/// A line of a host's history: an event with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HistoryLine {
    /// When it happened, in milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// What happened, in one sentence.
    pub text: String,
}

/// Reads the newest `limit` lines of a host's history, in chronological order.
///
/// # Errors
/// Returns [`StoreError`] if they cannot be read.
pub async fn history(
    file: &SqliteFile,
    host: String,
    limit: u32,
) -> Result<Vec<HistoryLine>, StoreError> {
    let read = file.read(move |transaction| {
        let mut statement = transaction.prepare_cached(
            "SELECT wall_ms, text FROM monitor_history WHERE host = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map((&host, limit), |row| {
            Ok(HistoryLine {
                wall_ms: row.get(0)?,
                text: row.get(1)?,
            })
        })?;
        let mut lines: Vec<_> = rows.collect::<Result<_, _>>()?;
        lines.reverse();
        Ok(lines)
    });
    Ok(read.await?)
}

/// A change of a host's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// When it happened, in milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// The state since then.
    pub state: HostState,
}

/// Reads for each of some hosts the changes of its state since a time, the earliest first, with the
/// last one before that. Of more than 500 these are the newest.
///
/// # Errors
/// Returns [`StoreError`] if they cannot be read.
pub async fn changes(
    file: &SqliteFile,
    hosts: Vec<Arc<str>>,
    since_ms: i64,
) -> Result<Vec<Vec<StateChange>>, StoreError> {
    let read = file.read(move |transaction| {
        let mut statement = transaction.prepare_cached(
            "SELECT wall_ms, state FROM monitor_history
             WHERE host = ?1 AND state IS NOT NULL ORDER BY id DESC LIMIT ?2",
        )?;
        let mut all = Vec::with_capacity(hosts.len());
        for host in &hosts {
            let mut rows = statement.query((&**host, MAX_CHANGES))?;
            let mut changes = Vec::new();
            while let Some(row) = rows.next()? {
                let wall_ms = row.get(0)?;
                // Of a later version, it may be another one.
                let state = HostState::named(row.get_ref(1)?.as_str()?);
                changes.extend(state.map(|state| StateChange { wall_ms, state }));
                if wall_ms < since_ms {
                    break;
                }
            }
            changes.reverse();
            all.push(changes);
        }
        Ok(all)
    });
    Ok(read.await?)
}
