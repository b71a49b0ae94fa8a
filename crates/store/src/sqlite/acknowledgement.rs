//! The stored acknowledgements of incidents.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::rows::column;
use crate::{
    Acknowledgement, Intake, Kind, Severity,
    rules::acknowledgement::{self as rule, OnAcceptance},
};

/// The acknowledgement of an incident, in force or not.
pub(super) const STORED: &str = "
    SELECT person, via, note, at_ms, until_ms, severity
    FROM outbox_acknowledgement WHERE incident = ?1";
/// Returns the acknowledgement of an incident, in force or not.
fn stored(
    transaction: &Transaction<'_>,
    incident: &str,
) -> rusqlite::Result<Option<Acknowledgement>> {
    transaction
        .prepare_cached(STORED)?
        .query_row([incident], acknowledgement)
        .optional()
}

fn acknowledgement(row: &Row<'_>) -> rusqlite::Result<Acknowledgement> {
    Ok(Acknowledgement {
        by: row.get(0)?,
        via: row.get(1)?,
        note: row.get(2)?,
        at_ms: row.get(3)?,
        until_ms: row.get(4)?,
        severity: column(row, 5, Severity::from_number)?,
    })
}

/// Returns the acknowledgement of an incident that is in force.
pub(super) fn in_force(
    transaction: &Transaction<'_>,
    incident: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<Acknowledgement>> {
    Ok(rule::in_force(stored(transaction, incident)?, now_ms))
}

/// Decides what an acknowledgement means for a notification, and deletes it if it has ended.
pub(super) fn on_acceptance(
    transaction: &Transaction<'_>,
    intake: &Intake,
) -> rusqlite::Result<OnAcceptance> {
    if intake.incident.is_empty() || intake.kind == Kind::Message {
        return Ok(OnAcceptance::Nothing);
    }
    let decided = rule::on_acceptance(stored(transaction, &intake.incident)?, intake);
    if decided == OnAcceptance::Ends {
        delete(transaction, &intake.incident)?;
    }
    Ok(decided)
}

fn delete(transaction: &Transaction<'_>, incident: &str) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached("DELETE FROM outbox_acknowledgement WHERE incident = ?1")?
        .execute([incident])
}

/// Deletes the acknowledgement of an incident of which a channel knows nothing any more, unless
/// another channel does.
pub(super) fn forget(transaction: &Transaction<'_>, incident: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM outbox_acknowledgement WHERE incident = ?1
             AND NOT EXISTS (SELECT 1 FROM outbox_incident WHERE incident = ?1)",
        )?
        .execute([incident])?;
    Ok(())
}

/// Deletes the acknowledgements of incidents that were forgotten with old notifications.
pub(super) fn prune(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM outbox_acknowledgement AS a WHERE NOT EXISTS
             (SELECT 1 FROM outbox_incident AS i WHERE i.incident = a.incident)",
        )?
        .execute([])?;
    Ok(())
}

/// Stores the acknowledgement of an incident, in place of one that there may be.
pub(super) fn put(
    transaction: &Transaction<'_>,
    incident: &str,
    valid: &Acknowledgement,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO outbox_acknowledgement VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            incident,
            valid.by,
            valid.via,
            valid.note,
            valid.at_ms,
            valid.until_ms,
            valid.severity.number()
        ])?;
    Ok(())
}

/// Withdraws an acknowledgement, and returns whether it was in force.
pub(super) fn withdraw(
    transaction: &Transaction<'_>,
    incident: &str,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let valid = in_force(transaction, incident, now_ms)?;
    delete(transaction, incident)?;
    Ok(valid.is_some())
}
