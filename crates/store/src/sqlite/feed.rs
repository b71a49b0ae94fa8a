//! The change feed, which triggers of the [schema](super::schema) fill.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::history;
use crate::{
    DeliveryId, FeedPage, FeedQuery, Query,
    feed::{self, About},
};

/// The number of the last change, which may be deleted: numbers are never reused.
/// <https://sqlite.org/autoinc.html>
const LAST: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'outbox_change'";
/// The earliest change that is kept.
const FIRST: &str = "SELECT min(number) FROM outbox_change";
/// The changes after a cursor.
pub(super) const AFTER: &str = "
    SELECT number, delivery, incident FROM outbox_change WHERE number > ?1 ORDER BY number LIMIT ?2";

/// Returns what has changed since a cursor.
pub(super) fn feed(transaction: &Transaction<'_>, query: FeedQuery) -> rusqlite::Result<FeedPage> {
    let last: Option<i64> = transaction
        .prepare_cached(LAST)?
        .query_row([], |row| row.get(0))
        .optional()?;
    let first: Option<i64> = transaction
        .prepare_cached(FIRST)?
        .query_row([], |row| row.get(0))?;
    let reading = feed::begin(query, first, last.unwrap_or_default());
    let found = transaction
        .prepare_cached(AFTER)?
        .query_map(params![reading.after, query.limit], |row| {
            let about = match row.get(1)? {
                Some(delivery) => About::Delivery(DeliveryId(delivery)),
                None => About::Incident(Arc::from(row.get_ref(2)?.as_str()?)),
            };
            Ok((row.get(0)?, about))
        })?
        .collect::<Result<_, _>>()?;
    reading.page(found, |id| {
        let query = Query::one(id);
        Ok(history::deliveries(transaction, &query)?.pop())
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::{MAX_FEED_LENGTH, sqlite::schema};

    #[test]
    fn the_feed_keeps_no_more_than_its_length_and_says_what_is_gone() {
        let mut database = Connection::open_in_memory().unwrap();
        let transaction = database.transaction().unwrap();
        schema::migrate(&transaction, &schema::DELIVERIES).unwrap();
        let more = "INSERT INTO outbox_change (incident) VALUES ('a')";
        for _ in 0..MAX_FEED_LENGTH + 5 {
            transaction
                .prepare_cached(more)
                .unwrap()
                .execute([])
                .unwrap();
        }
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let kept = "SELECT count(*) FROM outbox_change";
        let kept = transaction.query_row(kept, [], count).unwrap();
        assert_eq!(kept, MAX_FEED_LENGTH);
        let has_gap = |after| {
            let query = FeedQuery {
                after: Some(after),
                limit: 1,
            };
            feed(&transaction, query).unwrap().has_gap
        };
        assert!(has_gap(4));
        assert!(!has_gap(5));
    }
}
