//! Groups of channels that are tried one after the other: what one of them has
//! proven, and when the next begins.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::over::end;
use crate::{Proof, delivery::DeliveryId, reasons::enough, settle::Superseded};

/// The step that has proven enough.
pub(super) const REACHED: &str = "
    SELECT step, channel, proof FROM outbox_delivery
    WHERE notification = ?1 AND step_of = ?2 AND proof >= until ORDER BY id LIMIT 1";
pub(super) const WAITING: &str = "
    SELECT id, step, due_ms, attempts FROM outbox_delivery
    WHERE notification = ?1 AND step_of = ?2 AND state = 0 ORDER BY id";
/// Steps that may still reach it: also one that was delivered, of which more
/// may be proven.
pub(super) const OPEN_BEFORE: &str = "
    SELECT 1 FROM outbox_delivery
    WHERE notification = ?1 AND step_of = ?2 AND state <= 2 AND step < ?3";

/// A delivery that has been proven more of.
pub(super) fn prove(
    transaction: &Transaction<'_>,
    delivery: DeliveryId,
    proof: Proof,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let step: Option<(i64, Option<String>)> = transaction
        .prepare_cached(
            "UPDATE outbox_delivery SET proof = max(proof, ?2) WHERE id = ?1
             RETURNING notification, step_of",
        )?
        .query_row(params![delivery.0, proof.number()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match step {
        Some((notification, Some(group))) => go_on(transaction, notification, &group, now_ms),
        _ => Ok(Vec::new()),
    }
}

/// Ends the steps that are not needed any more, and answers which; or has the
/// next begin, when none that has begun can reach what is wanted.
pub(super) fn go_on(
    transaction: &Transaction<'_>,
    notification: i64,
    group: &str,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let waiting: Vec<(i64, u32, i64, u32)> = transaction
        .prepare_cached(WAITING)?
        .query_map(params![notification, group], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    let reached: Option<(u32, String, i64)> = transaction
        .prepare_cached(REACHED)?
        .query_row(params![notification, group], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    if let Some((step, channel, proof)) = reached {
        let why = enough(group, step, &channel, Proof::from_number(proof));
        let waiting: Vec<i64> = waiting.into_iter().map(|(id, ..)| id).collect();
        return end(transaction, &waiting, &why, now_ms);
    }
    let Some(&(_, next, due_ms, _)) = waiting.iter().find(|(.., attempts)| *attempts == 0) else {
        return Ok(Vec::new());
    };
    let early = due_ms - now_ms;
    let is_open =
        transaction
            .prepare_cached(OPEN_BEFORE)?
            .exists(params![notification, group, next])?;
    if early > 0 && !is_open {
        let mut sooner = transaction.prepare_cached(
            "UPDATE outbox_delivery SET due_ms = due_ms - ?2, ready = due_ms - ?2 <= ?3 WHERE id = ?1",
        )?;
        for (id, ..) in waiting.iter().filter(|(_, step, ..)| *step >= next) {
            sooner.execute(params![id, early, now_ms])?;
        }
    }
    Ok(Vec::new())
}
