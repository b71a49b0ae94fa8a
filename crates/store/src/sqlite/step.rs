//! Escalation groups: their steps, for the rules of [`step`].

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{rows::column, settle::apply};
use crate::{
    DeliveryId, Proof, State, Superseded,
    rules::step::{self, StepDelivery},
};

/// All steps of a group, in order.
pub(super) const STEPS: &str = "
    SELECT id, step, until, channel, state, proof, attempts, due_ms FROM outbox_delivery
    WHERE notification = ?1 AND step_of = ?2 ORDER BY id";

/// Records that a delivery has given this proof.
pub(super) fn prove(
    transaction: &Transaction<'_>,
    delivery: DeliveryId,
    proof: Proof,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let known: Option<(i64, i64, Option<String>)> = transaction
        .prepare_cached("SELECT proof, notification, step_of FROM outbox_delivery WHERE id = ?1")?
        .query_row([delivery.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((known, notification, group)) = known else {
        return Ok(Vec::new());
    };
    let proof = Proof::strongest(Proof::from_number(known), Some(proof));
    transaction
        .prepare_cached("UPDATE outbox_delivery SET proof = ?2 WHERE id = ?1")?
        .execute(params![delivery.0, proof.map_or(0, Proof::number)])?;
    match group {
        Some(group) => review(transaction, notification, &group, now_ms),
        None => Ok(Vec::new()),
    }
}

/// Ends the steps of a group that are not needed any more, and returns them, or lets the next
/// step begin.
pub(super) fn review(
    transaction: &Transaction<'_>,
    notification: i64,
    group: &str,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let steps: Vec<StepDelivery> = transaction
        .prepare_cached(STEPS)?
        .query_map(params![notification, group], step)?
        .collect::<Result<_, _>>()?;
    apply(transaction, step::review(group, &steps, now_ms), now_ms)
}

fn step(row: &Row<'_>) -> rusqlite::Result<StepDelivery> {
    Ok(StepDelivery {
        delivery: DeliveryId(row.get(0)?),
        number: row.get(1)?,
        until: column(row, 2, Proof::from_number)?,
        channel: Arc::from(row.get_ref(3)?.as_str()?),
        state: column(row, 4, State::from_number)?,
        proof: Proof::from_number(row.get(5)?),
        attempts: row.get(6)?,
        due_ms: row.get(7)?,
    })
}
