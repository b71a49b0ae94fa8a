//! Claims deliveries. The statements express by their indexes what the rules of
//! [`claim`](crate::rules::claim) say in words.

use std::sync::Arc;

use rusqlite::{Transaction, params};

use super::{
    owner::Owner,
    rows::{column, count, texts},
    settle::{CHANGED, Changed},
};
use crate::{Claim, ClaimRequest, DeliveryId, Severity, rules::claim};

/// The maximum number of deliveries that become due in one step. The next step takes the rest, so
/// that no transaction takes long.
const MAX_DUE_AT_ONCE: u32 = 4096;

/// The most severe first, then the oldest; none before an earlier one of its lane.
pub(super) const READY: &str = "
    SELECT d.id FROM outbox_delivery AS d
    WHERE d.channel = ?1 AND d.state = 0 AND d.ready = 1 AND (?3 IS NULL OR d.expires_ms <= ?3)
      AND (d.lane = '' OR NOT EXISTS (
        SELECT 1 FROM outbox_delivery AS earlier
        WHERE earlier.channel = d.channel AND earlier.lane = d.lane AND earlier.id < d.id
          AND earlier.state <= 1 AND earlier.lane <> ''))
    ORDER BY d.severity DESC, d.id LIMIT ?2";
/// The deliveries of a holder that is gone. Like the next, it has no limit: its rows are read until
/// there are enough that the requester does not work on.
pub(super) const ABANDONED: &str = "
    SELECT severity, id FROM outbox_delivery
    WHERE channel = ?1 AND state = 1 AND owner = ?2 AND (?3 IS NULL OR expires_ms <= ?3)
    ORDER BY severity DESC, id";
/// The deliveries that their holder has had for too long.
pub(super) const RUN_OUT: &str = "
    SELECT severity, id FROM outbox_delivery
    WHERE channel = ?1 AND state = 1 AND owner = ?2 AND lease_until_ms < ?4
      AND (?3 IS NULL OR expires_ms <= ?3)
    ORDER BY severity DESC, id";
pub(super) const HOLDERS: &str =
    "SELECT DISTINCT owner FROM outbox_delivery WHERE channel = ?1 AND state = 1";
pub(super) const DUE: &str = "
    UPDATE outbox_delivery SET ready = 1 WHERE id IN (
        SELECT id FROM outbox_delivery WHERE state = 0 AND ready = 0 AND due_ms <= ?1
        ORDER BY due_ms LIMIT ?2)";
pub(super) const NEXT_DUE: &str =
    "SELECT min(due_ms) FROM outbox_delivery WHERE state = 0 AND ready = 0 AND due_ms > ?1";
pub(super) const NEXT_EXPIRY: &str = "
    SELECT min(expires_ms) FROM outbox_delivery
    WHERE channel = ?1 AND state = 0 AND expires_ms > ?2";
pub(super) const FLYING: &str = "
    SELECT channel, owner, min(lease_until_ms) FROM outbox_delivery
    WHERE state = 1 GROUP BY channel, owner";
/// The channels with due deliveries: one index lookup for each, however many are pending.
pub(super) const CHANNELS: &str = "
    WITH RECURSIVE found (channel) AS (
        SELECT min(channel) FROM outbox_delivery WHERE state = 0 AND ready = 1
        UNION ALL
        SELECT (SELECT min(channel) FROM outbox_delivery
                WHERE state = 0 AND ready = 1 AND channel > found.channel)
        FROM found WHERE found.channel IS NOT NULL)
    SELECT channel FROM found WHERE channel IS NOT NULL";

/// Claims due and abandoned deliveries.
pub(super) fn claim(
    transaction: &Transaction<'_>,
    request: &ClaimRequest,
    owner: &Owner,
) -> rusqlite::Result<Vec<Claim>> {
    make_due(transaction, request.now_ms)?;
    let mut claims = Vec::new();
    let channel = &*request.channel;
    let late = request.only_expired.then_some(request.now_ms);
    let left = abandoned(transaction, request, owner)?;
    take(transaction, request, owner, left, true, &mut claims)?;
    // Repeated, because the first delivery of a lane holds up those behind it, which the same
    // query would not show.
    while room(request, &claims) > 0 {
        let ready = params![channel, room(request, &claims), late];
        let ready = ids(transaction, READY, ready)?;
        if ready.is_empty() {
            break;
        }
        take(transaction, request, owner, ready, false, &mut claims)?;
    }
    let again = claims.iter().filter(|claim| claim.abandoned).count();
    if again > 0 {
        count(transaction, "again", again as u64)?;
    }
    Ok(claims)
}

/// Returns the abandoned deliveries to claim, in the order in which they are handed out: those of
/// all holders are one queue. Of each holder, no more than are requested can be among them.
fn abandoned(
    transaction: &Transaction<'_>,
    request: &ClaimRequest,
    owner: &Owner,
) -> rusqlite::Result<Vec<i64>> {
    let (channel, now_ms) = (&*request.channel, request.now_ms);
    let late = request.only_expired.then_some(now_ms);
    let limit = request.limit as usize;
    let mut abandoned = Vec::new();
    for holder in texts(transaction, HOLDERS, [channel])? {
        let is_gone = owner.is_gone(&holder);
        let sql = if is_gone { ABANDONED } else { RUN_OUT };
        let mut found = transaction.prepare_cached(sql)?;
        let rows = match is_gone {
            true => found.query(params![channel, holder, late])?,
            false => found.query(params![channel, holder, late, now_ms])?,
        };
        let of_holder = rows.mapped(|row| {
            let severity = column(row, 0, Severity::from_number)?;
            Ok((severity, DeliveryId(row.get(1)?)))
        });
        let is_free = |found: &rusqlite::Result<(Severity, DeliveryId)>| !matches!(found, Ok((_, id)) if request.in_flight.contains(id));
        let before = abandoned.len();
        for found in of_holder.filter(is_free).take(limit) {
            abandoned.push(found?);
        }
        if is_gone && abandoned.len() - before < limit && late.is_none() {
            owner.bury(&holder);
        }
    }
    abandoned.sort_unstable_by_key(|(severity, id)| claim::order(*severity, *id));
    let first = abandoned.into_iter().take(limit);
    Ok(first.map(|(_, DeliveryId(id))| id).collect())
}

fn room(request: &ClaimRequest, claims: &[Claim]) -> u32 {
    let taken = u32::try_from(claims.len()).unwrap_or(u32::MAX);
    request.limit.saturating_sub(taken)
}

fn ids(
    transaction: &Transaction<'_>,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Vec<i64>> {
    transaction
        .prepare_cached(sql)?
        .query_map(params, |row| row.get(0))?
        .collect()
}

fn take(
    transaction: &Transaction<'_>,
    request: &ClaimRequest,
    owner: &Owner,
    ids: Vec<i64>,
    abandoned: bool,
    claims: &mut Vec<Claim>,
) -> rusqlite::Result<()> {
    let mut hold = transaction.prepare_cached(
        "UPDATE outbox_delivery
         SET state = 1, owner = ?2, lease_until_ms = ?3, fence = fence + 1, again = again + ?4
         WHERE id = ?1",
    )?;
    let mut read = transaction.prepare_cached(
        "SELECT d.fence, d.attempts - d.attempts_before, d.targets, n.accepted_ms, d.expires_ms, n.content,
            d.again, d.step
         FROM outbox_delivery AS d JOIN outbox_notification AS n ON n.id = d.notification
         WHERE d.id = ?1",
    )?;
    for id in ids {
        let held = params![id, owner.name(), request.lease_until_ms, abandoned];
        hold.execute(held)?;
        if abandoned {
            may_have_arrived(transaction, id, request.now_ms)?;
        }
        let claim = read.query_row([id], |row| {
            let targets: Option<String> = row.get(2)?;
            let targets = targets.and_then(|json| serde_json::from_str(&json).ok());
            Ok(Claim {
                delivery: DeliveryId(id),
                fence: row.get(0)?,
                attempts: row.get(1)?,
                abandoned,
                reclaims: row.get(6)?,
                targets: targets.unwrap_or_default(),
                accepted_ms: row.get(3)?,
                expires_ms: row.get(4)?,
                step: row.get(7)?,
                content: Arc::from(row.get_ref(5)?.as_str()?),
            })
        })?;
        claims.push(claim);
    }
    Ok(())
}

/// Records that an abandoned delivery may have been sent.
fn may_have_arrived(transaction: &Transaction<'_>, id: i64, now_ms: i64) -> rusqlite::Result<()> {
    let changed = transaction
        .prepare_cached(CHANGED)?
        .query_row([id], Changed::of)?;
    let follow_up = changed.subject.may_have_arrived();
    changed.follow(transaction, follow_up, now_ms)?;
    Ok(())
}

fn make_due(transaction: &Transaction<'_>, now_ms: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(DUE)?
        .execute(params![now_ms, MAX_DUE_AT_ONCE])?;
    Ok(())
}

/// Returns when the next pending delivery is due.
pub(super) fn next_due(
    transaction: &Transaction<'_>,
    now_ms: i64,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached(NEXT_DUE)?
        .query_row([now_ms], |row| row.get(0))
}

/// Returns when the next pending delivery of a channel expires.
pub(super) fn next_expiry(
    transaction: &Transaction<'_>,
    channel: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached(NEXT_EXPIRY)?
        .query_row(params![channel, now_ms], |row| row.get(0))
}

/// Returns the channels that have deliveries to claim.
pub(super) fn ready(
    transaction: &Transaction<'_>,
    now_ms: i64,
    owner: &Owner,
) -> rusqlite::Result<Vec<String>> {
    make_due(transaction, now_ms)?;
    let mut channels = Vec::new();
    for channel in texts(transaction, CHANNELS, [])? {
        // All of them may wait for their lane.
        if !ids(transaction, READY, params![channel, 1, None::<i64>])?.is_empty() {
            channels.push(channel);
        }
    }
    let mut flying = transaction.prepare_cached(FLYING)?;
    let mut rows = flying.query([])?;
    while let Some(row) = rows.next()? {
        let (channel, holder): (String, String) = (row.get(0)?, row.get(1)?);
        let runs_out = row.get::<_, i64>(2)? < now_ms;
        if (runs_out || owner.is_gone(&holder)) && !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    channels.sort();
    Ok(channels)
}
