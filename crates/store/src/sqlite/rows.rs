//! Reads columns and rows, and adds to the counts that every kind of change keeps.

use rusqlite::{Params, Row, Transaction, params};

/// Reads a column with the number of an enum's value.
pub(super) fn column<T>(
    row: &Row<'_>,
    place: usize,
    of_number: impl FnOnce(i64) -> Option<T>,
) -> rusqlite::Result<T> {
    let number = row.get(place)?;
    let unknown = || rusqlite::Error::IntegralValueOutOfRange(place, number);
    of_number(number).ok_or_else(unknown)
}

/// Adds to one of the counts.
pub(super) fn count(transaction: &Transaction<'_>, name: &str, more: u64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO outbox_account VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?
        .execute(params![name, more.cast_signed()])?;
    Ok(())
}

/// Returns the first column of all rows.
pub(super) fn texts(
    transaction: &Transaction<'_>,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<String>> {
    transaction
        .prepare_cached(sql)?
        .query_map(params, |row| row.get(0))?
        .collect()
}
