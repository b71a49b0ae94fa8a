//! One message in place of what was kept back: where it is gathered, and what
//! its arrival says of the problems in it.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Memory,
    held::{Held, Note},
    over::Key,
    shelf::Shelf,
};
use crate::{
    Kind,
    delivery::{DeliveryId, State},
    intake::Digest,
    settle::Superseded,
};

impl Memory {
    /// The digest into which something goes that is kept back now.
    pub(super) fn gather(&mut self, channel: &Arc<str>, digest: Digest, now_ms: i64) -> DeliveryId {
        if let Some(id) = self.shelf.gathering(channel, &digest.gathers, now_ms) {
            return id;
        }
        self.accounts.accepted += 1;
        let note = Note::of(&digest.intake(channel, now_ms));
        let number = self.shelf.add_note(note);
        let mut held = Held::new(number, Arc::clone(channel), digest.expires_ms);
        held.due_ms = digest.due_ms;
        held.gathers = Some(digest.gathers.into());
        self.shelf.add(held)
    }
}

impl Shelf {
    /// What gathers, was not tried, and whose time has not come.
    fn gathering(&self, channel: &Arc<str>, gathers: &str, now_ms: i64) -> Option<DeliveryId> {
        let key = (Arc::clone(channel), Arc::from(gathers));
        let waiting = self.gathering.get(&key).into_iter().flatten();
        let mut waiting = waiting.filter(|id| {
            let held = self.delivery(**id);
            held.is_some_and(|held| held.attempts == 0 && held.due_ms > now_ms)
        });
        waiting.next().copied()
    }

    /// The problems of which a digest tells: incident and notification.
    pub(super) fn told_by(&self, digest: DeliveryId) -> Vec<(Key, i64)> {
        let tells_of = self.digests.get(&digest).into_iter().flatten();
        tells_of
            .filter_map(|id| {
                let held = self.delivery(*id)?;
                let note = self.note(held.note)?;
                let incident = note.incident_on(&held.channel)?;
                (note.kind == Kind::Problem).then_some((incident, held.note))
            })
            .collect()
    }

    /// Until when a digest is held that tells of a problem.
    pub(super) fn being_told(&self, key: &Key, since: i64) -> Option<i64> {
        let flying = self.flying.get(&key.0).into_iter().flatten();
        let tells = flying.filter(|(_, id)| {
            let mut told = self.told_by(*id).into_iter();
            told.any(|(of, note)| of == *key && note >= since)
        });
        tells.map(|(until_ms, _)| *until_ms).max()
    }

    /// A digest was settled: what becomes of the ends that waited for that.
    pub(super) fn digest_settled(&mut self, digest: DeliveryId, now_ms: i64) -> Vec<Superseded> {
        let incidents: BTreeSet<Key> = self
            .told_by(digest)
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        let mut superseded = Vec::new();
        for key in incidents {
            superseded.extend(self.supersede_of(&key, now_ms));
            for id in self.open(&key, Kind::Recovery) {
                self.change(id, |held, _| {
                    if held.state == State::Pending && held.attempts == 0 {
                        held.due_ms = held.due_ms.min(now_ms);
                    }
                });
            }
        }
        superseded
    }
}
