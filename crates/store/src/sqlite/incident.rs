//! What a channel knows of an incident, and the incident's open deliveries: facts for the rules
//! of [`incident`] and [`review`], and the changes that they decide.

use rusqlite::{Row, Transaction, params};

use super::{acknowledgement, digest::lease, rows::column, settle::apply};
use crate::{
    DeliveryId, Kind, State, Superseded,
    rules::{
        IncidentChange, acknowledgement as taken_over,
        incident::{self, Incident, OpenDelivery},
        review::Review,
    },
};

/// What is known of an incident, and its deliveries that have not ended, in one statement, which
/// nearly every acceptance and settlement needs. It has no order, so that SQLite does not sort
/// what its index returns in order.
pub(super) const FACTS: &str = "
    SELECT i.told, i.newest, i.since, d.id, d.notification, d.kind, d.state, d.attempts, d.due_ms,
        d.step > 0
    FROM (SELECT 1)
    LEFT JOIN outbox_incident AS i ON i.channel = ?1 AND i.incident = ?2
    LEFT JOIN outbox_delivery AS d
        ON d.channel = ?1 AND d.incident = ?2 AND d.state <= 1 AND d.incident <> ''";

/// An incident on a channel, as stored.
#[derive(Debug)]
pub(super) struct IncidentFacts<'a> {
    channel: &'a str,
    incident: &'a str,
    known: Option<Incident>,
    open: Vec<OpenDelivery>,
}

impl<'a> IncidentFacts<'a> {
    pub(super) fn fetch(
        transaction: &Transaction<'_>,
        channel: &'a str,
        incident: &'a str,
    ) -> rusqlite::Result<Self> {
        let mut facts = Self {
            channel,
            incident,
            known: None,
            open: Vec::new(),
        };
        let mut found = transaction.prepare_cached(FACTS)?;
        let mut rows = found.query([channel, incident])?;
        while let Some(row) = rows.next()? {
            facts.known = known(row)?;
            facts.open.extend(open(row)?);
        }
        facts.open.sort_unstable_by_key(|one| one.delivery);
        Ok(facts)
    }

    fn change(
        &mut self,
        transaction: &Transaction<'_>,
        change: IncidentChange,
    ) -> rusqlite::Result<()> {
        self.known = change.applied_to(self.known);
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
                acknowledgement::forget(transaction, self.incident)?;
            }
        }
        Ok(())
    }

    /// Records that a notification of a problem was accepted.
    pub(super) fn problem_accepted(
        &mut self,
        transaction: &Transaction<'_>,
        notification: i64,
    ) -> rusqlite::Result<()> {
        let change = incident::problem_accepted(self.known, notification);
        self.change(transaction, change)
    }

    /// Records that a notification of a problem has arrived, or may have.
    pub(super) fn problem_notified(
        &mut self,
        transaction: &Transaction<'_>,
        notification: i64,
    ) -> rusqlite::Result<()> {
        let change = incident::problem_notified(self.known, notification);
        self.change(transaction, change)
    }

    /// Records that the end of a problem has arrived, or may have.
    pub(super) fn recovery_notified(
        &mut self,
        transaction: &Transaction<'_>,
        notification: i64,
    ) -> rusqlite::Result<()> {
        let change = incident::recovery_notified(self.known, &self.open, notification);
        self.change(transaction, change)
    }

    /// Reviews the incident after a delivery of it was accepted or settled, and returns the
    /// deliveries that this superseded. Other facts of it have to be fetched again.
    pub(super) fn review(
        self,
        transaction: &Transaction<'_>,
        now_ms: i64,
    ) -> rusqlite::Result<Vec<Superseded>> {
        let review = Review::of(&self.open);
        self.decide(transaction, review, now_ms)
    }

    /// Reviews the incident after a digest that reports it was settled.
    pub(super) fn review_after_digest(
        self,
        transaction: &Transaction<'_>,
        now_ms: i64,
    ) -> rusqlite::Result<Vec<Superseded>> {
        let review = Review::after_digest(&self.open, now_ms);
        self.decide(transaction, review, now_ms)
    }

    fn decide(
        mut self,
        transaction: &Transaction<'_>,
        review: Option<Review>,
        now_ms: i64,
    ) -> rusqlite::Result<Vec<Superseded>> {
        let mut superseded = Vec::new();
        if let Some(review) = review {
            let until_ms = match review.digests_since(self.known) {
                Some(since) => lease(transaction, self.channel, self.incident, since)?,
                None => None,
            };
            let decision = review.decide(self.known, until_ms);
            self.change(transaction, decision.incident)?;
            superseded = apply(transaction, decision.changes, now_ms)?;
            let is_open = |one: &OpenDelivery| {
                let mut superseded = superseded.iter();
                !superseded.any(|ended| ended.delivery == one.delivery)
            };
            self.open.retain(is_open);
        }
        if taken_over::is_needed(&self.open) {
            let valid = acknowledgement::in_force(transaction, self.incident, now_ms)?;
            let changes = taken_over::review(valid.as_ref(), self.known, &self.open);
            superseded.extend(apply(transaction, changes, now_ms)?);
        }
        Ok(superseded)
    }

    /// Returns whether people know of the problem on this channel, or are about to.
    pub(super) fn is_known(&self) -> bool {
        taken_over::is_known(self.known, &self.open)
    }

    /// Returns whether a notification belongs to the problem that is open on this channel.
    pub(super) fn has(&self, notification: i64) -> bool {
        !incident::is_over(self.known, notification)
    }
}

fn known(row: &Row<'_>) -> rusqlite::Result<Option<Incident>> {
    let Some(is_notified) = row.get(0)? else {
        return Ok(None);
    };
    Ok(Some(Incident {
        is_notified,
        newest: row.get(1)?,
        since: row.get(2)?,
    }))
}

fn open(row: &Row<'_>) -> rusqlite::Result<Option<OpenDelivery>> {
    let Some(id) = row.get(3)? else {
        return Ok(None);
    };
    Ok(Some(OpenDelivery {
        delivery: DeliveryId(id),
        notification: row.get(4)?,
        kind: column(row, 5, Kind::from_number)?,
        state: column(row, 6, State::from_number)?,
        attempts: row.get(7)?,
        due_ms: row.get(8)?,
        is_step: row.get(9)?,
    }))
}
