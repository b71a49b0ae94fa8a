//! One message in place of what was kept back: where it is gathered, and what
//! its arrival says of the problems in it.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    accept::{add_delivery, add_notification},
    history::count,
    over::{problem_told, release, supersede},
};
use crate::{intake::Digest, settle::Superseded};

/// What waits, was not tried, and whose time has not come.
pub(super) const GATHERING: &str = "
    SELECT id FROM outbox_delivery
    WHERE channel = ?1 AND gathers = ?2 AND gathers IS NOT NULL AND state = 0
      AND attempts = 0 AND due_ms > ?3
    ORDER BY id LIMIT 1";
/// The incidents of which it tells, and their newest notification.
pub(super) const PROBLEMS: &str = "
    SELECT incident, max(notification) FROM outbox_delivery
    WHERE digest = ?1 AND digest IS NOT NULL AND kind = 1 AND incident <> ''
    GROUP BY incident";
/// Until when somebody holds one that tells of a problem.
pub(super) const BEING_TOLD: &str = "
    SELECT max(g.lease_until_ms) FROM outbox_delivery AS d
    CROSS JOIN outbox_delivery AS g ON g.id = d.digest
    WHERE d.channel = ?1 AND d.incident = ?2 AND d.notification >= ?3 AND d.digest IS NOT NULL
      AND d.kind = 1 AND g.state = 1";

/// The digest into which something goes that is kept back now.
pub(super) fn gather(
    transaction: &Transaction<'_>,
    channel: &Arc<str>,
    digest: &Digest,
    now_ms: i64,
) -> rusqlite::Result<i64> {
    let waiting = transaction
        .prepare_cached(GATHERING)?
        .query_row(params![&**channel, digest.gathers, now_ms], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(id) = waiting {
        return Ok(id);
    }
    let intake = digest.intake(channel, now_ms);
    let Some((number, intent)) =
        add_notification(transaction, &intake)?.zip(intake.intents.first())
    else {
        return Err(rusqlite::Error::QueryReturnedNoRows);
    };
    count(transaction, "accepted", 1)?;
    // It waits: nobody holds it.
    let added = add_delivery(transaction, number, &intake, intent, "")?;
    transaction
        .prepare_cached("UPDATE outbox_delivery SET gathers = ?2 WHERE id = ?1")?
        .execute(params![added.delivery.0, digest.gathers])?;
    Ok(added.delivery.0)
}

/// Until when a digest is held that tells of a problem.
pub(super) fn being_told(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    since: i64,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached(BEING_TOLD)?
        .query_row(params![channel, incident, since], |row| row.get(0))
}

/// A digest may have arrived: its channel may know of the problems in it.
pub(super) fn may_know(
    transaction: &Transaction<'_>,
    channel: &str,
    digest: i64,
) -> rusqlite::Result<()> {
    for (incident, newest) in problems(transaction, digest)? {
        problem_told(transaction, channel, &incident, newest)?;
    }
    Ok(())
}

/// A digest was settled: what becomes of the ends that waited for that.
pub(super) fn settled(
    transaction: &Transaction<'_>,
    channel: &str,
    digest: i64,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let mut superseded = Vec::new();
    for (incident, _) in problems(transaction, digest)? {
        superseded.extend(supersede(transaction, channel, &incident, now_ms)?);
        release(transaction, channel, &incident, now_ms)?;
    }
    Ok(superseded)
}

fn problems(transaction: &Transaction<'_>, digest: i64) -> rusqlite::Result<Vec<(String, i64)>> {
    transaction
        .prepare_cached(PROBLEMS)?
        .query_map([digest], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
