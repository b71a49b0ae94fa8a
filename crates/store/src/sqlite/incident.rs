//! What a channel knows of an incident, and what is open of it: facts for the rules of
//! [`incident`], and the changes that they decide.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{change::apply, digest::lease, history::column};
use crate::{
    DeliveryId, Kind, State, Superseded,
    rules::{
        IncidentChange,
        incident::{self, Incident, OpenDelivery},
        review::{self, Review},
    },
};

/// What has not ended of an incident, the oldest first.
pub(super) const OPEN: &str = "
    SELECT id, notification, kind, state, attempts, due_ms FROM outbox_delivery
    WHERE channel = ?1 AND incident = ?2 AND state <= 1 AND incident <> ''
    ORDER BY id";
pub(super) const KNOWN: &str =
    "SELECT told, newest, since FROM outbox_incident WHERE channel = ?1 AND incident = ?2";

/// An incident on a channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnChannel<'a> {
    pub(super) channel: &'a str,
    pub(super) incident: &'a str,
}

impl OnChannel<'_> {
    fn known(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Option<Incident>> {
        let known = |row: &Row<'_>| {
            Ok(Incident {
                is_notified: row.get(0)?,
                newest: row.get(1)?,
                since: row.get(2)?,
            })
        };
        transaction
            .prepare_cached(KNOWN)?
            .query_row([self.channel, self.incident], known)
            .optional()
    }

    fn open(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Vec<OpenDelivery>> {
        let open = |row: &Row<'_>| {
            Ok(OpenDelivery {
                delivery: DeliveryId(row.get(0)?),
                notification: row.get(1)?,
                kind: column(row, 2, Kind::from_number)?,
                state: column(row, 3, State::from_number)?,
                attempts: row.get(4)?,
                due_ms: row.get(5)?,
            })
        };
        transaction
            .prepare_cached(OPEN)?
            .query_map([self.channel, self.incident], open)?
            .collect()
    }

    fn change(
        &self,
        transaction: &Transaction<'_>,
        change: IncidentChange,
    ) -> rusqlite::Result<()> {
        match change {
            IncidentChange::Keep => {}
            IncidentChange::Set(known) => {
                transaction
                    .prepare_cached(
                        "INSERT INTO outbox_incident (channel, incident, told, newest, since)
                         VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT DO UPDATE SET told = excluded.told,
                         newest = excluded.newest, since = excluded.since",
                    )?
                    .execute(params![
                        self.channel,
                        self.incident,
                        known.is_notified,
                        known.newest,
                        known.since
                    ])?;
            }
            IncidentChange::Forget => {
                transaction
                    .prepare_cached(
                        "DELETE FROM outbox_incident WHERE channel = ?1 AND incident = ?2",
                    )?
                    .execute([self.channel, self.incident])?;
            }
        }
        Ok(())
    }

    /// A notification of a problem was accepted.
    pub(super) fn problem_accepted(
        &self,
        transaction: &Transaction<'_>,
        notification: i64,
    ) -> rusqlite::Result<()> {
        let known = self.known(transaction)?;
        self.change(transaction, incident::problem_accepted(known, notification))
    }

    /// A notification of a problem has arrived, or may have.
    pub(super) fn problem_notified(
        &self,
        transaction: &Transaction<'_>,
        notification: i64,
    ) -> rusqlite::Result<()> {
        let known = self.known(transaction)?;
        self.change(transaction, incident::problem_notified(known, notification))
    }

    /// The end of a problem has arrived, or may have.
    pub(super) fn recovery_notified(
        &self,
        transaction: &Transaction<'_>,
        notification: i64,
    ) -> rusqlite::Result<()> {
        let (known, open) = (self.known(transaction)?, self.open(transaction)?);
        let change = incident::recovery_notified(known, &open, notification);
        self.change(transaction, change)
    }

    /// Reviews it after something of it was accepted or settled; answers what was
    /// superseded.
    pub(super) fn review(
        &self,
        transaction: &Transaction<'_>,
        now_ms: i64,
    ) -> rusqlite::Result<Vec<Superseded>> {
        let Some(review) = Review::of(&self.open(transaction)?) else {
            return Ok(Vec::new());
        };
        let known = self.known(transaction)?;
        let until_ms = match review.digests_since(known) {
            Some(since) => lease(transaction, self, since)?,
            None => None,
        };
        let decision = review.decide(known, until_ms);
        self.change(transaction, decision.incident)?;
        apply(transaction, decision.changes, now_ms)
    }

    /// A digest that tells of it was settled: ends that waited for that wait no longer.
    pub(super) fn release(
        &self,
        transaction: &Transaction<'_>,
        now_ms: i64,
    ) -> rusqlite::Result<()> {
        let released = review::release(&self.open(transaction)?, now_ms);
        apply(transaction, released, now_ms)?;
        Ok(())
    }
}
