//! Applies what the rules decide, and does what follows from it.

use std::sync::Arc;

use rusqlite::{Row, Transaction, params};

use super::{digest, history::column, incident::IncidentFacts, step};
use crate::{
    Kind, State, Superseded,
    rules::{Change, FollowUp, Subject},
};

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
