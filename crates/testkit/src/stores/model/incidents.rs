//! The model's treatment of problems, their ends, digests and groups.

use std::{collections::BTreeMap, sync::Arc};

use annunciator_store::{DeliveryId, Kind, State, Step, Superseded};

use super::lists::{Entry, Model, Problem};

impl Model {
    pub(super) fn problem(&mut self, channel: &str, incident: &str) -> Option<&mut Problem> {
        let mut problems = self.problems.iter_mut();
        problems.find(|one| *one.channel == *channel && one.incident == incident)
    }

    pub(super) fn problem_began(&mut self, channel: &Arc<str>, incident: &str, number: i64) {
        if incident.is_empty() {
            return;
        }
        if let Some(problem) = self.problem(channel, incident) {
            problem.newest = number;
            return;
        }
        self.problems.push(Problem {
            channel: Arc::clone(channel),
            incident: incident.to_owned(),
            since: number,
            newest: number,
            is_known: false,
        });
    }

    fn problem_ended(&mut self, channel: &str, incident: &str, by: i64, is_another_open: bool) {
        if let Some(problem) = self.problem(channel, incident)
            && (is_another_open || problem.newest > by)
        {
            (problem.since, problem.is_known) = (by, false);
            return;
        }
        let others = |one: &Problem| *one.channel != *channel || one.incident != incident;
        self.problems.retain(others);
        self.drop_taken();
    }

    /// Returns the problems that a delivery reports: its own, or those in the digest.
    fn problems_of(&self, id: DeliveryId) -> Vec<(Arc<str>, String, i64)> {
        let digested = self.entries.iter().filter(|entry| {
            let is_part = entry.digest == Some(id) || entry.id == id;
            is_part && entry.intake.kind == Kind::Problem && !entry.intake.incident.is_empty()
        });
        let named = |entry: &Entry| {
            let incident = entry.intake.incident.clone();
            (Arc::clone(&entry.channel), incident, entry.number)
        };
        digested.map(named).collect()
    }

    /// Records that people may have read a delivery.
    pub(super) fn people_may_know(&mut self, id: DeliveryId) {
        for (channel, incident, number) in self.problems_of(id) {
            if let Some(problem) = self.problem(&channel, &incident) {
                problem.is_known |= problem.since <= number;
            }
        }
    }

    /// Does what follows after a claim was settled.
    pub(super) fn after(
        &mut self,
        id: DeliveryId,
        may_have_arrived: bool,
        now_ms: i64,
    ) -> Vec<Superseded> {
        let Some(entry) = self.entry(id).map(|entry| entry.clone()) else {
            return vec![];
        };
        let arrived = matches!(entry.state, State::Delivered | State::Unknown);
        if arrived || may_have_arrived {
            self.people_may_know(id);
        }
        let (channel, incident) = (&entry.channel, &entry.intake.incident);
        if entry.is(channel, incident, Kind::Recovery) && arrived {
            let is_other_open = [Kind::Problem, Kind::Recovery]
                .into_iter()
                .any(|kind| !self.open(channel, incident, kind).is_empty());
            self.problem_ended(channel, incident, entry.number, is_other_open);
        }
        let mut superseded = self.end_pointless(channel, incident, now_ms);
        if entry.batch_key.is_some() {
            let problems = self.problems_of(id).into_iter();
            let incidents: BTreeMap<_, _> = problems
                .map(|(channel, incident, _)| ((channel, incident), ()))
                .collect();
            for (channel, incident) in incidents.into_keys() {
                superseded.extend(self.end_pointless(&channel, &incident, now_ms));
                if self.digest_under_way(&channel, &incident).is_some() {
                    continue;
                }
                for one in &mut self.entries {
                    let waits = one.is(&channel, &incident, Kind::Recovery)
                        && one.state == State::Pending
                        && one.attempts == 0;
                    if waits {
                        one.due_ms = one.due_ms.min(now_ms);
                    }
                }
            }
        }
        superseded.extend(self.go_on(id, now_ms));
        superseded
    }

    /// Returns the deliveries of an incident that have not ended.
    pub(super) fn open(&self, channel: &str, incident: &str, kind: Kind) -> Vec<Entry> {
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.is(channel, incident, kind) && !entry.state.has_ended())
            .cloned()
            .collect()
    }

    /// Ends the deliveries of an incident that are pointless.
    pub(super) fn end_pointless(
        &mut self,
        channel: &str,
        incident: &str,
        now_ms: i64,
    ) -> Vec<Superseded> {
        let mut superseded = self.end_recovered(channel, incident, now_ms);
        superseded.extend(self.end_taken_over(channel, incident, now_ms));
        superseded
    }

    fn end_recovered(&mut self, channel: &str, incident: &str, now_ms: i64) -> Vec<Superseded> {
        let mut ends = self.open(channel, incident, Kind::Recovery);
        ends.retain(|end| end.state == State::Pending);
        let Some(last) = ends.last().cloned() else {
            return vec![];
        };
        let messages = self.open(channel, incident, Kind::Problem);
        let (before, after): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|one| one.id < last.id);
        let is_being_sent = before.iter().any(|one| one.state == State::InFlight);
        let waiting = before.iter().filter(|one| one.state == State::Pending);
        let waiting: Vec<DeliveryId> = waiting.map(|one| one.id).collect();
        let mut superseded = self.supersede(
            &waiting,
            "the problem was over before this was sent",
            now_ms,
        );
        let unknown = self.problem(channel, incident);
        if !unknown.is_some_and(|problem| !problem.is_known && !is_being_sent) {
            return superseded;
        }
        if let Some(until_ms) = self.digest_under_way(channel, incident) {
            for end in ends {
                if let Some(entry) = self.entry(end.id) {
                    entry.due_ms = until_ms;
                }
            }
            return superseded;
        }
        let ends: Vec<DeliveryId> = ends.iter().map(|end| end.id).collect();
        superseded.extend(self.supersede(
            &ends,
            "this channel was not notified of the problem that is over",
            now_ms,
        ));
        self.problem_ended(channel, incident, last.number, !after.is_empty());
        superseded
    }

    /// Returns the latest lease of the digests in flight that report a problem of which nobody
    /// knows, unless a message of its own is in flight before its end.
    fn digest_under_way(&mut self, channel: &str, incident: &str) -> Option<i64> {
        let ends = self.open(channel, incident, Kind::Recovery);
        let last = ends.iter().rfind(|end| end.state == State::Pending)?.id;
        let own = self.open(channel, incident, Kind::Problem);
        let mut before = own.iter().filter(|one| one.id < last);
        if before.any(|one| one.state == State::InFlight) {
            return None;
        }
        let problem = self.problem(channel, incident);
        let since = problem.filter(|problem| !problem.is_known)?.since;
        let digests = self.entries.iter().filter(|entry| {
            let problems = self.problems_of(entry.id);
            let mut problems = problems.iter();
            let digested = problems
                .any(|(on, of, number)| **on == *channel && *of == incident && *number >= since);
            entry.batch_key.is_some() && entry.state == State::InFlight && digested
        });
        digests.map(|digest| digest.lease_until_ms).max()
    }

    pub(super) fn supersede(
        &mut self,
        ids: &[DeliveryId],
        why: &str,
        now_ms: i64,
    ) -> Vec<Superseded> {
        let mut superseded = vec![];
        for entry in self.entries.iter_mut().filter(|it| ids.contains(&it.id)) {
            entry.end(State::Superseded, why, now_ms);
            superseded.push(Superseded {
                delivery: entry.id,
                why: why.into(),
            });
        }
        superseded
    }

    /// Ends the steps of a delivery's group that are not needed, or lets the next one begin.
    pub(super) fn go_on(&mut self, id: DeliveryId, now_ms: i64) -> Vec<Superseded> {
        let own = self.entries.iter().find(|entry| entry.id == id);
        let Some((number, group)) =
            own.and_then(|own| Some((own.number, own.step.as_ref()?.group.clone())))
        else {
            return vec![];
        };
        let of_group = |entry: &&Entry| {
            let step = entry.step.as_ref();
            entry.number == number && step.is_some_and(|step| step.group == group)
        };
        let steps: Vec<(Entry, Step)> = self
            .entries
            .iter()
            .filter(of_group)
            .filter_map(|entry| Some((entry.clone(), entry.step.clone()?)))
            .collect();
        let waiting = steps.iter().filter(|(it, _)| it.state == State::Pending);
        for (entry, step) in &steps {
            let Some(proof) = entry.proof.filter(|proof| *proof >= step.until) else {
                continue;
            };
            let ids: Vec<DeliveryId> = waiting.map(|(entry, _)| entry.id).collect();
            let why = format!(
                "group {group}: step {} ({}) was {}",
                step.number,
                entry.channel,
                proof.name()
            );
            return self.supersede(&ids, &why, now_ms);
        }
        let Some((next, of_next)) = waiting.clone().find(|(entry, _)| entry.attempts == 0) else {
            return vec![];
        };
        let is_hopeful = steps.iter().any(|(entry, step)| {
            let hopeful = [State::Pending, State::InFlight, State::Delivered];
            step.number < of_next.number && hopeful.contains(&entry.state)
        });
        let early_ms = next.due_ms - now_ms;
        if is_hopeful || early_ms <= 0 {
            return vec![];
        }
        for (step, _) in waiting.filter(|(_, step)| step.number >= of_next.number) {
            if let Some(entry) = self.entry(step.id) {
                entry.due_ms -= early_ms;
            }
        }
        vec![]
    }
}
