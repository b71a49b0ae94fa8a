//! Deduplication windows: facts for the rules of [`dedup`](crate::rules::dedup).

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::rows::column;
use crate::{DedupWindow, State, rules::accept::Earlier};

pub(super) const OPENED: &str = "
    SELECT d.state, r.until_ms FROM outbox_recent AS r JOIN outbox_delivery AS d ON d.id = r.delivery
    WHERE r.channel = ?1 AND r.incident = ?2 AND r.fingerprint = ?3";

/// Returns the delivery that opened a window last; the window may be closed.
pub(super) fn earlier(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    window: &DedupWindow,
) -> rusqlite::Result<Option<Earlier>> {
    let key = params![channel, incident, window.fingerprint.cast_signed()];
    transaction
        .prepare_cached(OPENED)?
        .query_row(key, |row| {
            Ok(Earlier {
                state: column(row, 0, State::from_number)?,
                until_ms: row.get(1)?,
            })
        })
        .optional()
}

/// Records that a delivery opens a window.
pub(super) fn open(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    window: &DedupWindow,
    by: i64,
) -> rusqlite::Result<()> {
    let fingerprint = window.fingerprint.cast_signed();
    transaction
        .prepare_cached("INSERT OR REPLACE INTO outbox_recent VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![channel, incident, fingerprint, by, window.until_ms])?;
    Ok(())
}

/// Closes the windows of an incident.
pub(super) fn close(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM outbox_recent WHERE channel = ?1 AND incident = ?2")?
        .execute([channel, incident])?;
    Ok(())
}

/// Deletes closed windows.
pub(super) fn prune(transaction: &Transaction<'_>, now_ms: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM outbox_recent WHERE until_ms < ?1")?
        .execute([now_ms])?;
    Ok(())
}
