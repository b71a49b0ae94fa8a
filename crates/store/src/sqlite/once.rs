//! What is told once within a time.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::history::column;
use crate::{delivery::State, intake::Once};

pub(super) const RECENT: &str = "
    SELECT d.state FROM outbox_recent AS r JOIN outbox_delivery AS d ON d.id = r.delivery
    WHERE r.channel = ?1 AND r.incident = ?2 AND r.fingerprint = ?3 AND r.until_ms > ?4";

/// Whether the same is on its way, or may have arrived.
pub(super) fn is_known(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    once: &Once,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let known = params![channel, incident, once.fingerprint.cast_signed(), now_ms];
    let state = transaction
        .prepare_cached(RECENT)?
        .query_row(known, |row| column(row, 0, State::from_number))
        .optional()?;
    Ok(state.is_some_and(|state| !state.has_ended() || state.may_have_arrived()))
}

/// Takes note of what is to be told.
pub(super) fn note(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    once: &Once,
    delivery: i64,
) -> rusqlite::Result<()> {
    let fingerprint = once.fingerprint.cast_signed();
    transaction
        .prepare_cached("INSERT OR REPLACE INTO outbox_recent VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            channel,
            incident,
            fingerprint,
            delivery,
            once.until_ms
        ])?;
    Ok(())
}

/// The incident is over: what comes next of it is news.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM outbox_recent WHERE channel = ?1 AND incident = ?2")?
        .execute([channel, incident])?;
    Ok(())
}

/// Deletes what has run out.
pub(super) fn prune(transaction: &Transaction<'_>, now_ms: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM outbox_recent WHERE until_ms < ?1")?
        .execute([now_ms])?;
    Ok(())
}
