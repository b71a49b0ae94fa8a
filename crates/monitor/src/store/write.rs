//! Writes a batch into the tables.

use rusqlite::{Transaction, params};

use super::batch::Batch;
use crate::machine::HostState;

/// The maximum number of history lines in the file; older ones are deleted.
const MAX_HISTORY_LINES: i64 = 500_000;

/// Writes a batch within a transaction.
pub(crate) fn write(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let text = |value: serde_json::Result<String>| {
        value.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    };
    if let Some(liveness) = &batch.liveness {
        let at = liveness.at;
        transaction
            .prepare_cached("INSERT OR REPLACE INTO monitor_liveness VALUES (1, ?1, ?2, ?3, ?4)")?
            .execute(params![
                at.tick.0.cast_signed(),
                at.wall_ms,
                liveness.uptime_ms.cast_signed(),
                liveness.kernel_boot
            ])?;
    }
    if let Some(globals) = &batch.globals {
        let content = text(serde_json::to_string(globals))?;
        transaction.execute(
            "INSERT OR REPLACE INTO monitor_globals VALUES (1, ?1)",
            [content],
        )?;
    }
    if let Some(silences) = &batch.silences {
        transaction.execute("DELETE FROM monitor_silence", [])?;
        for silence in silences {
            let content = text(serde_json::to_string(silence))?;
            let row = params![&*silence.host, content];
            transaction.execute("INSERT INTO monitor_silence VALUES (?1, ?2)", row)?;
        }
    }
    let mut host =
        transaction.prepare_cached("INSERT OR REPLACE INTO monitor_host VALUES (?1, ?2)")?;
    for (name, record) in &batch.hosts {
        host.execute(params![&**name, text(serde_json::to_string(record))?])?;
    }
    let mut seen = transaction.prepare_cached(
        "INSERT OR REPLACE INTO monitor_seen VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for ((name, family), one) in &batch.seen {
        seen.execute(params![
            &**name,
            family.name(),
            one.at.tick.0.cast_signed(),
            one.at.wall_ms,
            one.boots,
            // As text: an SQLite integer has a sign, and the counter may need all 64 bits.
            one.counter.map(|counter| counter.to_string()),
            one.job
                .as_ref()
                .map(|job| text(serde_json::to_string(job)))
                .transpose()?,
        ])?;
    }
    if let Some(released) = batch.released {
        transaction.execute(
            "DELETE FROM monitor_held WHERE number <= ?1",
            [released.cast_signed()],
        )?;
    }
    for (number, held) in &batch.held {
        let row = params![number.cast_signed(), text(serde_json::to_string(held))?];
        transaction.execute("INSERT OR REPLACE INTO monitor_held VALUES (?1, ?2)", row)?;
    }
    let mut history = transaction.prepare_cached(
        "INSERT INTO monitor_history (host, wall_ms, text, state) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for entry in &batch.history {
        let state = entry.state.map(HostState::name);
        history.execute(params![&*entry.host, entry.at.wall_ms, entry.text, state])?;
    }
    let mut outbound = transaction
        .prepare_cached("INSERT OR REPLACE INTO monitor_waiting VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (id, one) in &batch.outbound {
        outbound.execute(params![
            id.cast_signed(),
            &*one.key,
            one.message.host.as_deref(),
            text(serde_json::to_string(&one.names))?,
            text(serde_json::to_string(&*one.message))?,
        ])?;
    }
    let mut forwarded = transaction.prepare_cached("DELETE FROM monitor_waiting WHERE id = ?1")?;
    for id in &batch.forwarded {
        forwarded.execute([id.cast_signed()])?;
    }
    let mut open =
        transaction.prepare_cached("INSERT OR REPLACE INTO monitor_open VALUES (?1, ?2, ?3)")?;
    let mut ended =
        transaction.prepare_cached("DELETE FROM monitor_open WHERE incident = ?1 AND name = ?2")?;
    for ((incident, name), change) in &batch.incidents {
        match &change.reported {
            Some(reported) => open.execute(params![&**incident, &**name, reported.text()])?,
            None => ended.execute(params![&**incident, &**name])?,
        };
    }
    Ok(())
}

/// Deletes the oldest rows that have no further use.
pub(crate) fn prune(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM monitor_history WHERE id <= (SELECT max(id) FROM monitor_history) - ?1",
        [MAX_HISTORY_LINES],
    )?;
    Ok(())
}
