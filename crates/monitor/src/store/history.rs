//! Reads the history of hosts.

use annunciator::store::SqliteFile;

use super::error::StoreError;

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
