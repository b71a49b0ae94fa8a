//! Accepts notifications.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{
    acknowledgement,
    digest::gather,
    incident::IncidentFacts,
    rows::{column, count},
    step, windows,
};
use crate::{
    Accepted, AcceptedDelivery, DeliveryId, Intake, Intent, Kind, Proof, Severity, State, Step,
    StoreError,
    rules::{
        accept::{self as rule, Facts},
        acknowledgement::OnAcceptance,
        idempotency::{self, First},
    },
};

/// Whether a delivery of a lane has not ended.
pub(super) const BUSY: &str = "
    SELECT 1 FROM outbox_delivery
    WHERE channel = ?1 AND lane = ?2 AND state <= 1 AND lane <> ''";
pub(super) const KNOWN: &str = "
    SELECT id, name, host, incident, kind, severity, content
    FROM outbox_notification WHERE key = ?1";
pub(super) const ACCEPTED: &str = "
    SELECT id, channel, state, why, fence, proof, step_of, step, until
    FROM outbox_delivery WHERE notification = ?1 ORDER BY id";

/// Accepts a whole notification, or returns the answer of the first time, or why it is a
/// different one.
pub(super) fn accept(
    transaction: &Transaction<'_>,
    intake: &Intake,
    owner: &str,
) -> rusqlite::Result<Result<Accepted, StoreError>> {
    let Some(number) = add_notification(transaction, intake)? else {
        let before = known(transaction, intake)?;
        return before.ok_or(rusqlite::Error::QueryReturnedNoRows);
    };
    count(transaction, "accepted", intake.intents.len() as u64)?;
    let on_acceptance = acknowledgement::on_acceptance(transaction, intake)?;
    let acknowledged = match &on_acceptance {
        OnAcceptance::Suppresses(rule) => Some(rule.as_str()),
        OnAcceptance::Nothing | OnAcceptance::Ends => None,
    };
    let mut groups: Vec<&Arc<str>> = Vec::new();
    let mut deliveries = Vec::with_capacity(intake.intents.len());
    let mut superseded = Vec::new();
    for intent in &intake.intents {
        let added = add_delivery(transaction, number, intake, intent, (owner, acknowledged))?;
        deliveries.push(added);
        if let Some(step) = &intent.step
            && !groups.contains(&&step.group)
        {
            groups.push(&step.group);
        }
        if intake.incident.is_empty() {
            continue;
        }
        let (channel, incident) = (&intent.channel, &intake.incident);
        let mut incident = IncidentFacts::fetch(transaction, channel, incident)?;
        if intake.kind == Kind::Problem {
            incident.problem_accepted(transaction, number)?;
        }
        superseded.extend(incident.review(transaction, intake.accepted_ms)?);
    }
    for group in groups {
        step::review(transaction, number, group, intake.accepted_ms)?;
    }
    Ok(Ok(rule::answer(intake, deliveries, superseded)))
}

/// Returns the answer of the first time, or why it is a different notification; `None` if the
/// idempotency key is not known.
pub(super) fn known(
    transaction: &Transaction<'_>,
    intake: &Intake,
) -> rusqlite::Result<Option<Result<Accepted, StoreError>>> {
    if intake.key.is_none() {
        return Ok(None);
    }
    let known = transaction
        .prepare_cached(KNOWN)?
        .query_row([&intake.key], |row| {
            let first = First {
                host: row.get_ref(2)?.as_str()?,
                incident: row.get_ref(3)?.as_str()?,
                kind: column(row, 4, Kind::from_number)?,
                severity: column(row, 5, Severity::from_number)?,
                content: row.get_ref(6)?.as_str()?,
            };
            let is_same = idempotency::check(&first, intake);
            Ok((row.get::<_, i64>(0)?, row.get(1)?, is_same))
        })
        .optional()?;
    let Some((number, notification, is_same)) = known else {
        return Ok(None);
    };
    if let Err(conflict) = is_same {
        return Ok(Some(Err(conflict)));
    }
    Ok(Some(Ok(Accepted {
        notification,
        repeated: true,
        deliveries: accepted_deliveries(transaction, number)?,
        superseded: Vec::new(),
    })))
}

/// Adds a notification and returns its number; `None` if its key is known. Nothing is inserted
/// then: an insert with a conflict would consume a number, and numbers show how many
/// notifications came after one.
pub(super) fn add_notification(
    transaction: &Transaction<'_>,
    intake: &Intake,
) -> rusqlite::Result<Option<i64>> {
    let added = transaction
        .prepare_cached(
            "INSERT INTO outbox_notification
             (name, key, host, incident, lane, kind, severity, accepted_ms, content)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
             WHERE NOT EXISTS (SELECT 1 FROM outbox_notification WHERE key = ?2)",
        )?
        .execute(params![
            intake.notification,
            intake.key,
            intake.host,
            intake.incident,
            intake.lane,
            intake.kind.number(),
            intake.severity.number(),
            intake.accepted_ms,
            &*intake.content,
        ])?;
    Ok((added > 0).then(|| transaction.last_insert_rowid()))
}

pub(super) fn add_delivery(
    transaction: &Transaction<'_>,
    number: i64,
    intake: &Intake,
    intent: &Intent,
    (owner, acknowledged): (&str, Option<&str>),
) -> rusqlite::Result<AcceptedDelivery> {
    let now_ms = intake.accepted_ms;
    let (channel, incident) = (&*intent.channel, &*intake.incident);
    if rule::closes_windows(intake) {
        windows::close(transaction, channel, incident)?;
    }
    let earlier = rule::window_to_look_up(intake, intent)
        .map(|window| windows::earlier(transaction, channel, incident, window));
    let facts = Facts {
        acknowledged,
        is_lane_busy: rule::is_lane_needed(intake, intent)
            && is_busy(transaction, channel, &intake.lane)?,
        earlier: earlier.transpose()?.flatten(),
    };
    let begins = rule::begin(intake, intent, &facts);
    let gather = |digest| gather(transaction, &intent.channel, digest, now_ms);
    let digest = begins.digest.map(gather).transpose()?;
    let id = transaction
        .prepare_cached(
            "INSERT INTO outbox_delivery
             (notification, channel, incident, lane, kind, severity, state, ready, due_ms,
              expires_ms, ended_ms, owner, lease_until_ms, fence, why, step, until, step_of, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?
        .insert(params![
            number,
            channel,
            incident,
            intake.lane,
            intake.kind.number(),
            intake.severity.number(),
            begins.state.number(),
            begins.due_ms <= now_ms,
            begins.due_ms,
            intent.expires_ms,
            begins.ended_ms,
            begins.lease_until_ms.map(|_| owner),
            begins.lease_until_ms.unwrap_or(0),
            begins.fence,
            begins.why,
            intent.step.as_ref().map_or(0, |step| step.number),
            intent.step.as_ref().map_or(0, |step| step.until.number()),
            intent.step.as_ref().map(|step| &*step.group),
            digest,
        ])?;
    if let Some(window) = begins.opens {
        windows::open(transaction, channel, incident, window, id)?;
    }
    Ok(AcceptedDelivery {
        delivery: DeliveryId(id),
        channel: Arc::clone(&intent.channel),
        state: begins.state,
        why: begins.why.to_owned(),
        fence: begins.fence,
        step: intent.step.clone(),
        proof: None,
    })
}

/// Returns whether any delivery of a lane has not ended.
fn is_busy(transaction: &Transaction<'_>, channel: &str, lane: &str) -> rusqlite::Result<bool> {
    transaction.prepare_cached(BUSY)?.exists([channel, lane])
}

fn accepted_deliveries(
    transaction: &Transaction<'_>,
    number: i64,
) -> rusqlite::Result<Vec<AcceptedDelivery>> {
    transaction
        .prepare_cached(ACCEPTED)?
        .query_map([number], |row| {
            let group: Option<String> = row.get(6)?;
            let until = Proof::from_number(row.get(8)?);
            let (number, step_of) = (row.get(7)?, group.zip(until));
            Ok(AcceptedDelivery {
                delivery: DeliveryId(row.get(0)?),
                channel: Arc::from(row.get_ref(1)?.as_str()?),
                state: column(row, 2, State::from_number)?,
                why: row.get(3)?,
                fence: row.get(4)?,
                step: step_of.map(|(group, until)| Step {
                    group: group.into(),
                    number,
                    until,
                }),
                proof: Proof::from_number(row.get(5)?),
            })
        })?
        .collect()
}
