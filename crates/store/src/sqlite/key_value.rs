//! Small values of providers: receipts, thread IDs, cached tokens.

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::MAX_KV_ENTRIES;

/// Removes the values of a channel beyond this number, the oldest ones.
pub(super) const OLDEST: &str = "
    DELETE FROM outbox_kept WHERE number IN (
        SELECT number FROM outbox_kept WHERE channel = ?1
        ORDER BY number DESC LIMIT -1 OFFSET ?2)";

/// Stores a value, or removes it. Beyond the maximum number, the oldest is removed.
pub(super) fn put(
    transaction: &Transaction<'_>,
    channel: &str,
    key: &str,
    value: Option<&[u8]>,
) -> rusqlite::Result<()> {
    let Some(value) = value else {
        transaction
            .prepare_cached("DELETE FROM outbox_kept WHERE channel = ?1 AND key = ?2")?
            .execute([channel, key])?;
        return Ok(());
    };
    transaction
        .prepare_cached(
            "INSERT INTO outbox_kept (channel, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (channel, key) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![channel, key, value])?;
    transaction
        .prepare_cached(OLDEST)?
        .execute(params![channel, MAX_KV_ENTRIES as i64])?;
    Ok(())
}

/// Returns the value that is stored under a key.
pub(super) fn get(
    transaction: &Transaction<'_>,
    channel: &str,
    key: &str,
) -> rusqlite::Result<Option<Vec<u8>>> {
    transaction
        .prepare_cached("SELECT value FROM outbox_kept WHERE channel = ?1 AND key = ?2")?
        .query_row([channel, key], |row| row.get(0))
        .optional()
}
