//! Records that somebody has taken over, and lists the incidents that are open: facts for the
//! rules of [`acknowledgement`](crate::rules::acknowledgement), and the changes that they decide.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{
    accept::accept,
    acknowledgement::{in_force, put},
    incident::IncidentFacts,
    rows::{column, texts},
    step,
};
use crate::{
    AcknowledgeRequest, AcknowledgeTarget, Acknowledged, DeliveryId, IncidentQuery, Kind,
    OpenIncident, Proof, Severity, rules::acknowledgement as rule,
};

/// The channels that know of an incident.
pub(super) const CHANNELS: &str = "
    SELECT channel FROM outbox_incident WHERE incident = ?1 ORDER BY channel";
/// The severity of the newest notification of an incident that is open.
pub(super) const SEVERITY: &str = "
    SELECT severity FROM outbox_notification
    WHERE id = (SELECT max(newest) FROM outbox_incident WHERE incident = ?1)";
/// The kind of the newest problem or recovery of an incident after the newest that a channel knows.
pub(super) const LATER_KIND: &str = "
    SELECT kind FROM outbox_notification
    WHERE incident = ?1 AND incident <> '' AND kind IN (1, 2)
        AND id > (SELECT max(newest) FROM outbox_incident WHERE incident = ?1)
    ORDER BY id DESC LIMIT 1";
/// All incidents that a channel knows, with the newest notification of each, the acceptance of the
/// first that is stored, and the kind of the newest problem or recovery after the newest that a
/// channel knows.
pub(super) const OPEN: &str = "
    SELECT i.incident, n.host, n.severity, n.accepted_ms, n.content, (
        SELECT f.accepted_ms FROM outbox_notification AS f
        WHERE f.incident = i.incident AND f.incident <> '' AND f.id >= i.since AND f.kind = 1
        ORDER BY f.id LIMIT 1), (
        SELECT k.kind FROM outbox_notification AS k
        WHERE k.incident = i.incident AND k.incident <> '' AND k.id > i.newest
            AND k.kind IN (1, 2)
        ORDER BY k.id DESC LIMIT 1)
    FROM (SELECT incident, max(newest) AS newest, min(since) AS since
        FROM outbox_incident GROUP BY incident) AS i
    LEFT JOIN outbox_notification AS n ON n.id = i.newest";

/// Records an acknowledgement, and what follows from it.
pub(super) fn acknowledge(
    transaction: &Transaction<'_>,
    request: &AcknowledgeRequest,
    owner: &str,
) -> rusqlite::Result<Acknowledged> {
    let now_ms = request.now_ms;
    let mut answer = Acknowledged {
        incident: None,
        before: None,
        superseded: Vec::new(),
        notice: None,
    };
    let incident = match &request.target {
        AcknowledgeTarget::Incident(incident) => Some(incident.clone()),
        AcknowledgeTarget::Delivery(id) => {
            answer.superseded = step::prove(transaction, *id, Proof::Acknowledged, now_ms)?;
            problem_of(transaction, *id)?
        }
    };
    let Some(incident) = incident.filter(|incident| !incident.is_empty()) else {
        return Ok(answer);
    };
    let channels = texts(transaction, CHANNELS, [&incident])?;
    let later = transaction
        .prepare_cached(LATER_KIND)?
        .query_row([&incident], |row| column(row, 0, Kind::from_number))
        .optional()?;
    if channels.is_empty() || rule::has_ended(later) {
        return Ok(answer);
    }
    let before = in_force(transaction, &incident, now_ms)?;
    let severity = transaction
        .prepare_cached(SEVERITY)?
        .query_row([&incident], |row| column(row, 0, Severity::from_number))
        .optional()?;
    put(
        transaction,
        &incident,
        &rule::recorded(before.as_ref(), request, severity),
    )?;
    let mut knowing = Vec::new();
    for channel in &channels {
        let facts = IncidentFacts::fetch(transaction, channel, &incident)?;
        if facts.is_known() {
            knowing.push(channel);
        }
        answer.superseded.extend(facts.review(transaction, now_ms)?);
    }
    if rule::is_news(before.as_ref(), request)
        && let Some(notice) = rule::notice(request, |intent| {
            knowing.iter().any(|channel| **channel == *intent.channel)
        })
    {
        // It has no key that could be in conflict.
        answer.notice = accept(transaction, &notice, owner)?.ok();
    }
    (answer.incident, answer.before) = (Some(incident), before);
    Ok(answer)
}

/// Returns the incident of a delivery that reports a problem which is open on its channel.
fn problem_of(
    transaction: &Transaction<'_>,
    delivery: DeliveryId,
) -> rusqlite::Result<Option<String>> {
    let found: Option<(i64, String, String)> = transaction
        .prepare_cached(
            "SELECT notification, channel, incident FROM outbox_delivery
             WHERE id = ?1 AND kind = ?2 AND incident <> ''",
        )?
        .query_row(params![delivery.0, Kind::Problem.number()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((notification, channel, incident)) = found else {
        return Ok(None);
    };
    let is_open = IncidentFacts::fetch(transaction, &channel, &incident)?.has(notification);
    Ok(is_open.then_some(incident))
}

/// Returns the open incidents that a query asks for, the most severe first.
pub(super) fn incidents(
    transaction: &Transaction<'_>,
    query: &IncidentQuery,
) -> rusqlite::Result<Vec<OpenIncident>> {
    let known: Vec<Option<OpenIncident>> = transaction
        .prepare_cached(&format!(
            "{OPEN} WHERE (?1 IS NULL OR i.incident = ?1) AND (?2 IS NULL OR n.host = ?2)"
        ))?
        .query_map(params![query.incident, query.host], open)?
        .collect::<Result<_, _>>()?;
    let mut found: Vec<OpenIncident> = known.into_iter().flatten().collect();
    found.sort_by(|one, other| rule::order(one).cmp(&rule::order(other)));
    found.truncate(query.limit as usize);
    let mut channels = transaction.prepare_cached(
        "SELECT channel, told FROM outbox_incident WHERE incident = ?1 ORDER BY channel",
    )?;
    for one in &mut found {
        one.channels = channels
            .query_map([&one.incident], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        one.acknowledgement = in_force(transaction, &one.incident, query.now_ms)?;
    }
    Ok(found)
}

/// Reads a row of [`OPEN`]; `None` if the end of the problem was accepted.
fn open(row: &Row<'_>) -> rusqlite::Result<Option<OpenIncident>> {
    let later = match row.get::<_, Option<i64>>(6)? {
        Some(_) => Some(column(row, 6, Kind::from_number)?),
        None => None,
    };
    if rule::has_ended(later) {
        return Ok(None);
    }
    let newest_ms: i64 = row.get::<_, Option<i64>>(3)?.unwrap_or_default();
    let severity = row.get::<_, Option<i64>>(2)?;
    Ok(Some(OpenIncident {
        incident: row.get(0)?,
        host: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        severity: match severity {
            Some(_) => column(row, 2, Severity::from_number)?,
            None => Severity::Info,
        },
        since_ms: row.get::<_, Option<i64>>(5)?.unwrap_or(newest_ms),
        newest_ms,
        content: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        channels: Vec::new(),
        acknowledgement: None,
    }))
}
