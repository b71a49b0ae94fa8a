//! Queries of stored deliveries, and their deletion.

use std::{collections::BTreeMap, fmt::Write as _};

use rusqlite::{OptionalExtension as _, Row, ToSql, Transaction, params_from_iter, types::Type};

use super::{
    acknowledgement,
    rows::{column, count},
    windows,
};
use crate::{
    Accounts, Attempt, DeliveryId, Proof, Prune, Query, Record, Severity, State,
    rules::prune::{self, Candidate, Verdict},
};

/// The prefix of the counts of deleted deliveries, before the name of their state.
const PRUNED: &str = "pruned_";

/// The number of the last accepted notification, which may be deleted: numbers are never reused.
/// <https://sqlite.org/autoinc.html>
const LAST_ACCEPTED: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'outbox_notification'";

/// Notifications in the order of their acceptance, and whether any of their deliveries is open,
/// as defined by [`prune::is_open`]: one that has not ended, or that a digest has yet to report.
pub(super) const OLDEST: &str = "
    SELECT n.id, n.accepted_ms, EXISTS (
        SELECT 1 FROM outbox_delivery AS d WHERE d.notification = n.id AND (d.state <= 1 OR EXISTS (
            SELECT 1 FROM outbox_delivery AS g WHERE g.id = d.digest AND g.state <= 1)))
    FROM outbox_notification AS n ORDER BY n.id";
/// Incidents of which nothing is known without a notification, as defined by
/// [`incident::is_forgotten_with`](crate::rules::incident::is_forgotten_with).
pub(super) const DONE_WITH: &str = "
    DELETE FROM outbox_incident AS i WHERE newest = ?1 AND NOT EXISTS (
        SELECT 1 FROM outbox_delivery AS d WHERE d.channel = i.channel
        AND d.incident = i.incident AND d.state <= 1 AND d.incident <> '')";

/// Returns the deliveries that a query asks for, the newest first.
pub(super) fn deliveries(
    transaction: &Transaction<'_>,
    query: &Query,
) -> rusqlite::Result<Vec<Record>> {
    let mut sql = "SELECT d.id, n.name, d.channel, n.host, n.incident, n.severity, d.state, d.why,
             n.accepted_ms, d.due_ms, d.expires_ms, d.ended_ms, d.attempts, d.again, n.content,
             d.proof, d.step_of, d.step, d.digest, d.kind = 1 AND d.incident <> '' AND NOT EXISTS (
                SELECT 1 FROM outbox_incident AS i WHERE i.channel = d.channel
                AND i.incident = d.incident AND i.since <= d.notification)
         FROM outbox_delivery AS d JOIN outbox_notification AS n ON n.id = d.notification
         WHERE 1"
        .to_owned();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let mut and = |condition: &str, value| {
        values.push(value);
        // Writing to a string cannot fail.
        let _ = write!(sql, " AND {condition} ?{}", values.len());
    };
    if let Some(id) = &query.delivery {
        and("d.id =", &id.0);
    }
    if let Some(id) = &query.before {
        and("d.id <", &id.0);
    }
    if let Some(host) = &query.host {
        and("n.host <> '' AND n.host =", host);
    }
    if let Some(incident) = &query.incident {
        and("n.incident <> '' AND n.incident =", incident);
    }
    if let Some(channel) = &query.channel {
        and("d.channel =", channel);
    }
    if let Some(digest) = &query.digest {
        and("d.digest =", &digest.0);
    }
    if let Some(since) = &query.since_ms {
        and("n.accepted_ms >=", since);
    }
    if !query.states.is_empty() {
        // As literals, so that SQLite can use an index for one state.
        let states = query.states.iter().map(|state| state.number().to_string());
        let states: Vec<String> = states.collect();
        let _ = write!(sql, " AND d.state IN ({})", states.join(", "));
    }
    let _ = write!(sql, " ORDER BY d.id DESC LIMIT {}", query.limit);
    transaction
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), record)?
        .collect()
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let state = column(row, 6, State::from_number)?;
    let due_ms = row.get(9)?;
    Ok(Record {
        delivery: DeliveryId(row.get(0)?),
        notification: row.get(1)?,
        channel: row.get(2)?,
        host: row.get(3)?,
        incident: row.get(4)?,
        severity: column(row, 5, Severity::from_number)?,
        state,
        why: row.get(7)?,
        accepted_ms: row.get(8)?,
        due_ms: (state == State::Pending).then_some(due_ms),
        expires_ms: row.get(10)?,
        ended_ms: row.get(11)?,
        attempts: row.get(12)?,
        reclaims: row.get(13)?,
        content: row.get(14)?,
        proof: Proof::from_number(row.get(15)?),
        group: row.get(16)?,
        step: row.get(17)?,
        digest: row.get::<_, Option<i64>>(18)?.map(DeliveryId),
        is_over: row.get(19)?,
    })
}

/// Returns the attempts of a delivery.
pub(super) fn attempts(
    transaction: &Transaction<'_>,
    delivery: DeliveryId,
) -> rusqlite::Result<Vec<Attempt>> {
    transaction
        .prepare_cached(
            "SELECT began_ms, ended_ms, outcome FROM outbox_attempt WHERE delivery = ?1 ORDER BY number",
        )?
        .query_map([delivery.0], |row| {
            Ok(Attempt {
                began_ms: row.get(0)?,
                ended_ms: row.get(1)?,
                outcome: row.get(2)?,
            })
        })?
        .collect()
}

/// Counts all deliveries one by one.
pub(super) fn accounts(transaction: &Transaction<'_>) -> rusqlite::Result<Accounts> {
    let mut accounts = Accounts {
        states: State::ALL.into_iter().map(|state| (state, 0)).collect(),
        ..Accounts::default()
    };
    let mut states =
        transaction.prepare_cached("SELECT state, count(*) FROM outbox_delivery GROUP BY state")?;
    let mut rows = states.query([])?;
    while let Some(row) = rows.next()? {
        let state = column(row, 0, State::from_number)?;
        accounts.states.insert(state, unsigned(row, 1)?);
    }
    let mut counted = transaction.prepare_cached("SELECT name, count FROM outbox_account")?;
    let mut rows = counted.query([])?;
    while let Some(row) = rows.next()? {
        let (name, count): (String, u64) = (row.get(0)?, unsigned(row, 1)?);
        match name.as_str() {
            "accepted" => accounts.accepted = count,
            "again" => accounts.reclaims = count,
            "stale" => accounts.stale = count,
            other => {
                let name = other.strip_prefix(PRUNED);
                let mut states = State::ALL.into_iter();
                let state = name.and_then(|name| states.find(|state| state.name() == name));
                accounts.pruned.extend(state.map(|state| (state, count)));
            }
        }
    }
    Ok(accounts)
}

fn unsigned(row: &Row<'_>, place: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(place)?;
    u64::try_from(number).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(place, Type::Integer, Box::new(error))
    })
}

/// Deletes old notifications whose deliveries have all ended, by age and by the number of newer
/// ones.
pub(super) fn prune(transaction: &Transaction<'_>, prune: &Prune) -> rusqlite::Result<u64> {
    windows::prune(transaction, prune.now_ms)?;
    let ended = to_delete(transaction, prune)?;
    let mut states: BTreeMap<State, u64> = BTreeMap::new();
    for id in &ended {
        let deleted: Vec<(i64, State)> = transaction
            .prepare_cached(
                "DELETE FROM outbox_delivery WHERE notification = ?1 RETURNING id, state",
            )?
            .query_map([id], |row| {
                Ok((row.get(0)?, column(row, 1, State::from_number)?))
            })?
            .collect::<Result<_, _>>()?;
        for (delivery, state) in deleted {
            *states.entry(state).or_default() += 1;
            transaction
                .prepare_cached("DELETE FROM outbox_attempt WHERE delivery = ?1")?
                .execute([delivery])?;
        }
        transaction
            .prepare_cached("DELETE FROM outbox_notification WHERE id = ?1")?
            .execute([id])?;
        transaction.prepare_cached(DONE_WITH)?.execute([id])?;
    }
    for (state, number) in states {
        count(transaction, &format!("{PRUNED}{state}"), number)?;
    }
    if !ended.is_empty() {
        acknowledgement::prune(transaction)?;
    }
    Ok(ended.len() as u64)
}

fn to_delete(transaction: &Transaction<'_>, prune: &Prune) -> rusqlite::Result<Vec<i64>> {
    let newest = transaction
        .prepare_cached(LAST_ACCEPTED)?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or_default();
    let mut ended = Vec::new();
    let mut oldest = transaction.prepare_cached(OLDEST)?;
    let mut rows = oldest.query([])?;
    while let Some(row) = rows.next()? {
        let candidate = Candidate {
            notification: row.get(0)?,
            accepted_ms: row.get(1)?,
            is_open: row.get(2)?,
        };
        match prune::judge(candidate, newest, ended.len() as u64, prune) {
            Verdict::Delete => ended.push(candidate.notification),
            Verdict::Keep => {}
            Verdict::Stop => break,
        }
    }
    Ok(ended)
}
