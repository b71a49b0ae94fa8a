//! Records the outcomes of claims.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    change::{CHANGED, Changed},
    digest::gather,
    history::{column, count},
};
use crate::{
    DeliveryId, Proof, Settled, Settlement, State,
    rules::{
        settle::{self, Outcome},
        step,
    },
};

/// What else is needed of the delivery.
struct Claimed {
    changed: Changed,
    attempts: u32,
    proof: Option<Proof>,
}

/// Records the outcome of a claim, unless somebody else holds the delivery.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
) -> rusqlite::Result<Settled> {
    let Some(claimed) = claimed(transaction, settlement)? else {
        count(transaction, "stale", 1)?;
        return Ok(Settled::Stale);
    };
    if let Some(attempt) = &settlement.attempt {
        transaction
            .prepare_cached("INSERT INTO outbox_attempt VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                settlement.delivery.0,
                claimed.attempts + 1,
                attempt.began_ms,
                attempt.ended_ms,
                attempt.outcome
            ])?;
    }
    let outcome = settle::outcome(settlement);
    record(transaction, settlement, &claimed, &outcome)?;
    let changed = &claimed.changed;
    let follow_ups = settle::follow_ups(changed.subject, outcome.state, settlement);
    let superseded = changed.follow(transaction, follow_ups, settlement.now_ms)?;
    Ok(Settled::Recorded { superseded })
}

/// Returns the claimed delivery; `None` if the claim does not hold.
fn claimed(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
) -> rusqlite::Result<Option<Claimed>> {
    let found = transaction
        .prepare_cached(CHANGED)?
        .query_row([settlement.delivery.0], |row| {
            let state = column(row, 7, State::from_number)?;
            if !settle::holds(state, row.get(8)?, settlement) {
                return Ok(None);
            }
            Ok(Some(Claimed {
                changed: Changed::of(row)?,
                attempts: row.get(9)?,
                proof: Proof::from_number(row.get(10)?),
            }))
        })
        .optional()?;
    Ok(found.flatten())
}

fn record(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
    claimed: &Claimed,
    outcome: &Outcome<'_>,
) -> rusqlite::Result<()> {
    let now_ms = settlement.now_ms;
    let gather = |digest| gather(transaction, &claimed.changed.channel, digest, now_ms);
    let digest = outcome.digest.map(gather).transpose()?;
    let proof = step::most_proven(claimed.proof, outcome.proof);
    let targets = outcome.targets;
    let targets = (!targets.is_empty()).then(|| serde_json::json!(targets).to_string());
    transaction
        .prepare_cached(
            "UPDATE outbox_delivery SET state = ?2, why = ?3, ready = ?4,
             due_ms = coalesce(?5, due_ms), ended_ms = ?6, targets = ?7, digest = ?8,
             attempts = attempts + ?9, attempts_before = attempts_before + ?10, proof = ?11,
             owner = NULL
             WHERE id = ?1",
        )?
        .execute(params![
            settlement.delivery.0,
            outcome.state.number(),
            outcome.why,
            outcome.due_ms.is_none_or(|due_ms| due_ms <= now_ms),
            outcome.due_ms,
            outcome.ended_ms,
            targets,
            digest,
            outcome.attempts,
            outcome.uncounted,
            proof.map_or(0, Proof::number),
        ])?;
    Ok(())
}

/// Makes failed and unknown deliveries due again.
pub(super) fn retry(
    transaction: &Transaction<'_>,
    deliveries: &[DeliveryId],
    now_ms: i64,
) -> rusqlite::Result<u64> {
    let mut retry = transaction.prepare_cached(
        "UPDATE outbox_delivery SET state = 0, ready = 1, due_ms = ?2, ended_ms = NULL,
         expires_ms = NULL, attempts_before = attempts, why = '' WHERE id = ?1 AND state IN (?3, ?4)",
    )?;
    let [failed, unknown] = settle::RETRIED.map(State::number);
    let mut count = 0;
    for id in deliveries {
        count += retry.execute(params![id.0, now_ms, failed, unknown])? as u64;
    }
    Ok(count)
}
