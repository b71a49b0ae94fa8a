//! Records the outcomes of claims, applies what the rules decide of other deliveries, and does
//! what follows from a change.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{
    digest,
    incident::IncidentFacts,
    rows::{column, count},
    step,
};
use crate::{
    DeliveryId, Kind, Proof, Settled, Settlement, State, Superseded,
    rules::{
        Change, FollowUp, Subject,
        settle::{self, Outcome},
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
    let gather = |digest| digest::gather(transaction, &claimed.changed.channel, digest, now_ms);
    let digest = outcome.digest.map(gather).transpose()?;
    let proof = Proof::strongest(claimed.proof, outcome.proof);
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
    let mut found =
        transaction.prepare_cached("SELECT state, attempts FROM outbox_delivery WHERE id = ?1")?;
    let mut retry = transaction.prepare_cached(
        "UPDATE outbox_delivery SET state = ?2, why = ?3, ready = ?4, due_ms = ?5, ended_ms = ?6,
         expires_ms = ?7, attempts_before = ?8 WHERE id = ?1",
    )?;
    let mut count = 0;
    for id in deliveries {
        let retried = found.query_row([id.0], |row| {
            let state = column(row, 0, State::from_number)?;
            Ok(settle::retried(state, row.get(1)?, now_ms))
        });
        let Some(retried) = retried.optional()?.flatten() else {
            continue;
        };
        count += retry.execute(params![
            id.0,
            retried.state.number(),
            retried.why,
            retried.due_ms <= now_ms,
            retried.due_ms,
            retried.ended_ms,
            retried.expires_ms,
            retried.uncounted,
        ])? as u64;
    }
    Ok(count)
}

/// Applies changes of deliveries, and returns those that were superseded.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    changes: Vec<Change>,
    now_ms: i64,
) -> rusqlite::Result<Vec<Superseded>> {
    let mut all = Vec::new();
    for change in changes {
        match change {
            Change::Supersede(superseded) => {
                transaction
                    .prepare_cached(
                        "UPDATE outbox_delivery SET state = ?2, why = ?3, ended_ms = ?4
                         WHERE id = ?1",
                    )?
                    .execute(params![
                        superseded.delivery.0,
                        State::Superseded.number(),
                        &*superseded.why,
                        now_ms
                    ])?;
                all.push(superseded);
            }
            Change::Reschedule { delivery, due_ms } => {
                transaction
                    .prepare_cached(
                        "UPDATE outbox_delivery SET due_ms = ?2, ready = ?3 WHERE id = ?1",
                    )?
                    .execute(params![delivery.0, due_ms, due_ms <= now_ms])?;
            }
        }
    }
    Ok(all)
}

/// A delivery, with what is needed when it changes.
pub(super) const CHANGED: &str = "
    SELECT id, notification, channel, incident, step_of, kind, gathers IS NOT NULL,
        state, fence, attempts, proof
    FROM outbox_delivery WHERE id = ?1";

/// A delivery that changed, with the properties that matter to what follows it.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) id: i64,
    pub(super) notification: i64,
    pub(super) channel: Arc<str>,
    incident: String,
    /// Its group, if it is a step.
    group: Option<String>,
    pub(super) subject: Subject,
}

impl Changed {
    /// Reads a row of [`CHANGED`].
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let incident: String = row.get(3)?;
        let group: Option<String> = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            notification: row.get(1)?,
            channel: Arc::from(row.get_ref(2)?.as_str()?),
            subject: Subject {
                kind: column(row, 5, Kind::from_number)?,
                has_incident: !incident.is_empty(),
                is_digest: row.get(6)?,
                is_step: group.is_some(),
            },
            incident,
            group,
        })
    }

    /// Does what follows, in this order, and returns the deliveries that this superseded.
    pub(super) fn follow(
        &self,
        transaction: &Transaction<'_>,
        follow_ups: impl IntoIterator<Item = FollowUp>,
        now_ms: i64,
    ) -> rusqlite::Result<Vec<Superseded>> {
        let mut superseded = Vec::new();
        let fetch = || IncidentFacts::fetch(transaction, &self.channel, &self.incident);
        // Fetched once, for the notified problem and the review after it.
        let mut own: Option<IncidentFacts<'_>> = None;
        for follow_up in follow_ups {
            match follow_up {
                FollowUp::ProblemNotified => {
                    let mut facts = fetch()?;
                    facts.problem_notified(transaction, self.notification)?;
                    own = Some(facts);
                }
                FollowUp::RecoveryNotified => {
                    let mut facts = fetch()?;
                    facts.recovery_notified(transaction, self.notification)?;
                    own = Some(facts);
                }
                FollowUp::DigestNotified => {
                    digest::notified(transaction, &self.channel, self.id)?;
                }
                FollowUp::ReviewIncident => {
                    let facts = own.take().map_or_else(fetch, Ok)?;
                    superseded.extend(facts.review(transaction, now_ms)?);
                }
                FollowUp::ReviewDigest => {
                    let reviewed = digest::review(transaction, &self.channel, self.id, now_ms)?;
                    superseded.extend(reviewed);
                }
                FollowUp::ReviewGroup => {
                    let group = self.group.as_deref().unwrap_or_default();
                    let reviewed = step::review(transaction, self.notification, group, now_ms)?;
                    superseded.extend(reviewed);
                }
            }
        }
        Ok(superseded)
    }
}
