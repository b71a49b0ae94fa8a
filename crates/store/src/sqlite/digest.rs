//! Digests: the one that a suppressed delivery joins, and the problems that one reports.

use std::sync::Arc;

use rusqlite::{Transaction, params};

use super::{
    accept::{add_delivery, add_notification},
    incident::IncidentFacts,
    rows::count,
};
use crate::{
    DeliveryId, Digest, Superseded,
    rules::digest::{self, PendingDigest},
};

/// The pending digests of a channel with a batch key, the oldest first.
pub(super) const GATHERING: &str = "
    SELECT id, attempts, due_ms FROM outbox_delivery
    WHERE channel = ?1 AND gathers = ?2 AND gathers IS NOT NULL AND state = 0
    ORDER BY id";
/// The incidents that a digest reports, with their newest notification.
pub(super) const PROBLEMS: &str = "
    SELECT incident, max(notification) FROM outbox_delivery
    WHERE digest = ?1 AND digest IS NOT NULL AND kind = 1 AND incident <> ''
    GROUP BY incident";
/// The latest lease of a digest that reports a problem.
pub(super) const LEASE: &str = "
    SELECT max(g.lease_until_ms) FROM outbox_delivery AS d
    CROSS JOIN outbox_delivery AS g ON g.id = d.digest
    WHERE d.channel = ?1 AND d.incident = ?2 AND d.notification >= ?3 AND d.digest IS NOT NULL
      AND d.kind = 1 AND g.state = 1";

/// Returns the digest that a delivery joins that is suppressed now.
pub(super) fn gather(
    transaction: &Transaction<'_>,
    channel: &Arc<str>,
    digest: &Digest,
    now_ms: i64,
) -> rusqlite::Result<i64> {
    if let Some(DeliveryId(id)) = gathering(transaction, channel, digest, now_ms)? {
        return Ok(id);
    }
    let intake = digest::intake(digest, channel, now_ms);
    let Some((number, intent)) =
        add_notification(transaction, &intake)?.zip(intake.intents.first())
    else {
        return Err(rusqlite::Error::QueryReturnedNoRows);
    };
    count(transaction, "accepted", 1)?;
    // The digest is pending, and nobody holds it.
    let added = add_delivery(transaction, number, &intake, intent, ("", None))?;
    transaction
        .prepare_cached("UPDATE outbox_delivery SET gathers = ?2 WHERE id = ?1")?
        .execute(params![added.delivery.0, digest.batch_key])?;
    Ok(added.delivery.0)
}

fn gathering(
    transaction: &Transaction<'_>,
    channel: &str,
    digest: &Digest,
    now_ms: i64,
) -> rusqlite::Result<Option<DeliveryId>> {
    let pending: Vec<PendingDigest> = transaction
        .prepare_cached(GATHERING)?
        .query_map(params![channel, digest.batch_key], |row| {
            Ok(PendingDigest {
                delivery: DeliveryId(row.get(0)?),
                attempts: row.get(1)?,
                due_ms: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(digest::gathering(pending, now_ms))
}

/// Returns the latest lease of a digest that reports a problem by this notification or a later
/// one.
pub(super) fn lease(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    since: i64,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached(LEASE)?
        .query_row(params![channel, incident, since], |row| row.get(0))
}

/// Records that a digest has arrived, or may have.
pub(super) fn notified(
    transaction: &Transaction<'_>,
    channel: &str,
    digest: i64,
) -> rusqlite::Result<()> {
    for (incident, newest) in problems(transaction, digest)? {
        let mut facts = IncidentFacts::fetch(transaction, channel, &incident)?;
        facts.problem_notified(transaction, newest)?;
    }
    Ok(())
}

/// Reviews the ends of problems that waited for a digest, after it was settled.
pub(super) fn review(
    transaction: &Transaction<'_>,
    channel: &str,
    digest: i64,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let mut superseded = Vec::new();
    for (incident, _) in problems(transaction, digest)? {
        let facts = IncidentFacts::fetch(transaction, channel, &incident)?;
        superseded.extend(facts.review_after_digest(transaction, now_ms)?);
    }
    Ok(superseded)
}

fn problems(transaction: &Transaction<'_>, digest: i64) -> rusqlite::Result<Vec<(String, i64)>> {
    transaction
        .prepare_cached(PROBLEMS)?
        .query_map([digest], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
