//! Records what came of claims.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{
    digest::{self, gather},
    history::{column, count},
    over::{problem_told, recovery_told, supersede},
    step::go_on,
};
use crate::{
    Kind, Proof,
    delivery::{DeliveryId, State},
    settle::{Next, Settled, Settlement},
};

/// What has to be known of the delivery.
struct Claimed {
    channel: Arc<str>,
    incident: String,
    kind: Kind,
    attempts: u32,
    notification: i64,
    group: Option<String>,
    is_digest: bool,
}

/// Records what came of a claim, unless somebody else holds it.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
) -> rusqlite::Result<Settled> {
    let id = settlement.delivery.0;
    let claimed = transaction
        .prepare_cached(
            "SELECT channel, incident, kind, attempts, notification, step_of,
                    gathers IS NOT NULL FROM outbox_delivery
             WHERE id = ?1 AND state = 1 AND fence = ?2",
        )?
        .query_row(params![id, settlement.fence], claimed)
        .optional()?;
    let Some(claimed) = claimed else {
        count(transaction, "stale", 1)?;
        return Ok(Settled::Stale);
    };
    if let Some(attempt) = &settlement.attempt {
        transaction
            .prepare_cached("INSERT INTO outbox_attempt VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                id,
                claimed.attempts + 1,
                attempt.began_ms,
                attempt.ended_ms,
                attempt.outcome
            ])?;
    }
    let state = match &settlement.next {
        Next::End {
            state,
            why,
            targets,
        } => {
            end(transaction, settlement, *state, why, targets, None)?;
            *state
        }
        Next::KeptBack { rule, digest } => {
            let gather = |digest| gather(transaction, &claimed.channel, digest, settlement.now_ms);
            let digest = digest.as_ref().map(gather).transpose()?;
            end(
                transaction,
                settlement,
                State::Suppressed,
                rule,
                &[],
                digest,
            )?;
            State::Suppressed
        }
        Next::Again { at_ms, targets } => {
            again(transaction, settlement, *at_ms, targets)?;
            State::Pending
        }
    };
    let mut superseded = Vec::new();
    let may_have_arrived = settlement.may_have_arrived || state.may_have_arrived();
    if claimed.is_digest {
        if may_have_arrived {
            digest::may_know(transaction, &claimed.channel, id)?;
        }
        let now_ms = settlement.now_ms;
        superseded = digest::settled(transaction, &claimed.channel, id, now_ms)?;
    }
    if !claimed.incident.is_empty() {
        let (channel, incident) = (&claimed.channel, &claimed.incident);
        match claimed.kind {
            Kind::Problem if may_have_arrived => {
                problem_told(transaction, channel, incident, claimed.notification)?;
            }
            Kind::Recovery if state.may_have_arrived() => {
                recovery_told(transaction, channel, incident, claimed.notification)?;
            }
            _ => {}
        }
        superseded = supersede(transaction, channel, incident, settlement.now_ms)?;
    }
    if let Some(group) = &claimed.group {
        let now_ms = settlement.now_ms;
        superseded.extend(go_on(transaction, claimed.notification, group, now_ms)?);
    }
    Ok(Settled::Recorded { superseded })
}

fn end(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
    state: State,
    why: &str,
    targets: &[String],
    digest: Option<i64>,
) -> rusqlite::Result<()> {
    let (attempts, free) = attempts(settlement);
    transaction
        .prepare_cached(
            "UPDATE outbox_delivery SET state = ?2, why = ?3, ended_ms = ?4,
             attempts = attempts + ?5, proof = max(proof, ?6), targets = ?7, owner = NULL,
             attempts_before = attempts_before + ?8, digest = ?9
             WHERE id = ?1",
        )?
        .execute(params![
            settlement.delivery.0,
            state.number(),
            why,
            settlement.now_ms,
            attempts,
            settlement.proof.map_or(0, Proof::number),
            left(targets),
            free,
            digest,
        ])?;
    Ok(())
}

fn again(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
    at_ms: i64,
    targets: &[String],
) -> rusqlite::Result<()> {
    let (attempts, free) = attempts(settlement);
    transaction
        .prepare_cached(
            "UPDATE outbox_delivery SET state = 0, ready = ?2, due_ms = ?3, targets = ?4,
             attempts = attempts + ?5, proof = max(proof, ?6), owner = NULL,
             attempts_before = attempts_before + ?7
             WHERE id = ?1",
        )?
        .execute(params![
            settlement.delivery.0,
            at_ms <= settlement.now_ms,
            at_ms,
            left(targets),
            attempts,
            settlement.proof.map_or(0, Proof::number),
            free,
        ])?;
    Ok(())
}

/// The attempts that are added, and those of them that do not count.
fn attempts(settlement: &Settlement) -> (u32, u32) {
    let attempts = u32::from(settlement.attempt.is_some());
    (attempts, attempts * u32::from(settlement.is_free))
}

/// As they are written.
fn left(targets: &[String]) -> Option<String> {
    (!targets.is_empty()).then(|| serde_json::json!(targets).to_string())
}

fn claimed(row: &Row<'_>) -> rusqlite::Result<Claimed> {
    Ok(Claimed {
        channel: Arc::from(row.get_ref(0)?.as_str()?),
        incident: row.get(1)?,
        kind: column(row, 2, Kind::from_number)?,
        attempts: row.get(3)?,
        notification: row.get(4)?,
        group: row.get(5)?,
        is_digest: row.get(6)?,
    })
}

/// Makes deliveries that have failed, or of which nobody knows, due again.
pub(super) fn retry(
    transaction: &Transaction<'_>,
    deliveries: &[DeliveryId],
    now_ms: i64,
) -> rusqlite::Result<u64> {
    let mut retry = transaction.prepare_cached(
        "UPDATE outbox_delivery SET state = 0, ready = 1, due_ms = ?2, ended_ms = NULL,
         expires_ms = NULL, attempts_before = attempts, why = '' WHERE id = ?1 AND state IN (?3, ?4)",
    )?;
    let (failed, unknown) = (State::Failed.number(), State::Unknown.number());
    let mut count = 0;
    for id in deliveries {
        count += retry.execute(params![id.0, now_ms, failed, unknown])? as u64;
    }
    Ok(count)
}
