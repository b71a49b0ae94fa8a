//! Ends what is pointless: a recovery of what nobody was told, and a problem
//! that is over before anybody was told.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::digest::being_told;
use crate::{
    Kind,
    delivery::{DeliveryId, State},
    reasons::{RECOVERED, UNTOLD},
    settle::Superseded,
};

/// What has not ended of an incident, the oldest first.
pub(super) const OPEN: &str = "
    SELECT id, state FROM outbox_delivery
    WHERE channel = ?1 AND incident = ?2 AND state <= 1 AND incident <> '' AND kind = ?3
    ORDER BY id";
pub(super) const TOLD: &str =
    "SELECT told, since FROM outbox_incident WHERE channel = ?1 AND incident = ?2";

/// Takes note of a problem that a channel is to be told.
pub(super) fn note_problem(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    notification: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO outbox_incident VALUES (?1, ?2, 0, ?3, ?3)
             ON CONFLICT DO UPDATE SET newest = excluded.newest",
        )?
        .execute(params![channel, incident, notification])?;
    Ok(())
}

/// A channel was told of a problem by a notification, unless that problem has
/// ended since.
pub(super) fn problem_told(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    notification: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE outbox_incident SET told = 1
             WHERE channel = ?1 AND incident = ?2 AND since <= ?3",
        )?
        .execute(params![channel, incident, notification])?;
    Ok(())
}

/// A channel was told of the end of a problem. A problem that is open besides is
/// another, and ends that are, have been told by this one.
pub(super) fn recovery_told(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    notification: i64,
) -> rusqlite::Result<()> {
    let mut others = open(transaction, channel, incident, Kind::Problem)?;
    others.extend(open(transaction, channel, incident, Kind::Recovery)?);
    let another = !others.is_empty() || came_later(transaction, channel, incident, notification)?;
    let another = another.then_some(notification);
    over(transaction, channel, incident, another)
}

/// Whether a problem came after a notification, be it that it was kept back.
fn came_later(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    notification: i64,
) -> rusqlite::Result<bool> {
    transaction
        .prepare_cached(
            "SELECT 1 FROM outbox_incident WHERE channel = ?1 AND incident = ?2 AND newest > ?3",
        )?
        .exists(params![channel, incident, notification])
}

/// A problem is over; what came after a notification is another one.
fn over(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    another_since: Option<i64>,
) -> rusqlite::Result<()> {
    match another_since {
        Some(notification) => transaction
            .prepare_cached(
                "UPDATE outbox_incident SET told = 0, since = ?3
                 WHERE channel = ?1 AND incident = ?2",
            )?
            .execute(params![channel, incident, notification])?,
        None => transaction
            .prepare_cached("DELETE FROM outbox_incident WHERE channel = ?1 AND incident = ?2")?
            .execute([channel, incident])?,
    };
    Ok(())
}

/// Ends what is pointless of an incident after something of it was accepted or
/// settled; answers what.
pub(super) fn supersede(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let recoveries = waiting(open(transaction, channel, incident, Kind::Recovery)?);
    let Some(newest) = recoveries.last().copied() else {
        return Ok(Vec::new());
    };
    let problems = open(transaction, channel, incident, Kind::Problem)?;
    let (earlier, later): (Vec<_>, Vec<_>) = problems.into_iter().partition(|(id, _)| *id < newest);
    let is_being_told = earlier.iter().any(|(_, state)| *state == State::InFlight);
    let pointless = waiting(earlier);
    let known: Option<(bool, i64)> = transaction
        .prepare_cached(TOLD)?
        .query_row([channel, incident], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let untold_since = known.filter(|(told, _)| !told).map(|(_, since)| since);
    if let Some(since) = untold_since.filter(|_| !is_being_told) {
        if let Some(until_ms) = being_told(transaction, channel, incident, since)? {
            wait(transaction, &recoveries, until_ms, now_ms)?;
            return end(transaction, &pointless, RECOVERED, now_ms);
        }
        let notification = transaction
            .prepare_cached("SELECT notification FROM outbox_delivery WHERE id = ?1")?
            .query_row([newest], |row| row.get(0))?;
        let another =
            !later.is_empty() || came_later(transaction, channel, incident, notification)?;
        over(
            transaction,
            channel,
            incident,
            another.then_some(notification),
        )?;
        let mut superseded = end(transaction, &pointless, RECOVERED, now_ms)?;
        superseded.extend(end(transaction, &recoveries, UNTOLD, now_ms)?);
        return Ok(superseded);
    }
    end(transaction, &pointless, RECOVERED, now_ms)
}

/// Ends what waits as superseded.
pub(super) fn end(
    transaction: &Transaction<'_>,
    waiting: &[i64],
    why: &str,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let mut end = transaction.prepare_cached(
        "UPDATE outbox_delivery SET state = ?2, why = ?3, ended_ms = ?4 WHERE id = ?1",
    )?;
    for id in waiting {
        end.execute(params![id, State::Superseded.number(), why, now_ms])?;
    }
    let why: Arc<str> = why.into();
    let superseded = waiting.iter().map(|id| Superseded {
        delivery: DeliveryId(*id),
        why: Arc::clone(&why),
    });
    Ok(superseded.collect())
}

/// Ends of what a digest is being told of wait until it was.
fn wait(
    transaction: &Transaction<'_>,
    recoveries: &[i64],
    until_ms: i64,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let mut wait = transaction
        .prepare_cached("UPDATE outbox_delivery SET due_ms = ?2, ready = ?3 WHERE id = ?1")?;
    for id in recoveries {
        wait.execute(params![id, until_ms, until_ms <= now_ms])?;
    }
    Ok(())
}

/// Ends that waited for a digest wait no longer.
pub(super) fn release(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let mut release = transaction.prepare_cached(
        "UPDATE outbox_delivery SET due_ms = ?2, ready = 1
         WHERE id = ?1 AND attempts = 0 AND due_ms > ?2",
    )?;
    for id in waiting(open(transaction, channel, incident, Kind::Recovery)?) {
        release.execute(params![id, now_ms])?;
    }
    Ok(())
}

fn open(
    transaction: &Transaction<'_>,
    channel: &str,
    incident: &str,
    kind: Kind,
) -> rusqlite::Result<Vec<(i64, State)>> {
    transaction
        .prepare_cached(OPEN)?
        .query_map(params![channel, incident, kind.number()], |row| {
            let waits = row.get::<_, i64>(1)? == State::Pending.number();
            let state = if waits {
                State::Pending
            } else {
                State::InFlight
            };
            Ok((row.get(0)?, state))
        })?
        .collect()
}

fn waiting(open: Vec<(i64, State)>) -> Vec<i64> {
    let waits = open
        .into_iter()
        .filter(|(_, state)| *state == State::Pending);
    waits.map(|(id, _)| id).collect()
}
