//! The model's treatment of acknowledgements, and the incidents that are open.

use std::cmp::Reverse;

use annunciator_store::{
    AcknowledgeRequest, AcknowledgeTarget, Acknowledged, Acknowledgement, DeliveryId,
    IncidentQuery, Intake, Kind, OpenIncident, Proof, Severity, State, Superseded,
};

use super::lists::{Model, Problem};

impl Model {
    /// Returns who has taken over an incident and still has it.
    fn taken_by(&self, incident: &str, now_ms: i64) -> Option<Acknowledgement> {
        let mut taken = self.taken.iter();
        let (_, found) = taken.find(|(name, _)| name == incident)?;
        let has_ended = found.until_ms.is_some_and(|until_ms| until_ms <= now_ms);
        (!has_ended).then(|| found.clone())
    }

    /// Forgets acknowledgements of incidents that no channel knows.
    pub(super) fn drop_taken(&mut self) {
        let problems = &self.problems;
        let is_known = |name: &str| problems.iter().any(|problem| problem.incident == name);
        self.taken.retain(|(name, _)| is_known(name));
    }

    /// Returns the rule by which a new notification is suppressed, since somebody has taken over.
    /// Forgets an acknowledgement that the notification ends.
    pub(super) fn taken_meanwhile(&mut self, intake: &Intake) -> Option<String> {
        if !matches!(intake.kind, Kind::Problem | Kind::Recovery) {
            return None;
        }
        let taken = self.taken_by(&intake.incident, intake.accepted_ms);
        let goes_on = |taken: &Acknowledgement| {
            intake.kind == Kind::Problem && taken.severity >= intake.severity
        };
        if let Some(taken) = taken.filter(goes_on) {
            let minutes = taken.at_ms / 60_000;
            let (hour, minute) = (minutes / 60 % 24, minutes % 60);
            return Some(format!(
                "acknowledged: by {}, {hour:02}:{minute:02} UTC",
                taken.by
            ));
        }
        self.taken.retain(|(name, _)| *name != intake.incident);
        None
    }

    /// Ends what waits although somebody has taken over.
    pub(super) fn end_taken_over(
        &mut self,
        channel: &str,
        incident: &str,
        now_ms: i64,
    ) -> Vec<Superseded> {
        let Some(taken) = self.taken_by(incident, now_ms) else {
            return vec![];
        };
        let is_known = self.is_known_on(channel, incident);
        let mut waiting = self.open(channel, incident, Kind::Problem);
        waiting.retain(|one| one.state == State::Pending && (is_known || one.step.is_some()));
        let waiting: Vec<DeliveryId> = waiting.into_iter().map(|one| one.id).collect();
        self.supersede(&waiting, &format!("taken over by {}", taken.by), now_ms)
    }

    fn is_known_on(&mut self, channel: &str, incident: &str) -> bool {
        let problem = self.problem(channel, incident);
        problem.is_some_and(|problem| problem.is_known)
    }

    fn problems_named(&self, incident: &str) -> Vec<&Problem> {
        let problems = self.problems.iter();
        let mut named: Vec<&Problem> = problems
            .filter(|problem| problem.incident == incident)
            .collect();
        named.sort_by_key(|problem| problem.channel.clone());
        named
    }

    /// Returns whether the end of a problem was accepted, and nothing of it after that. What was
    /// accepted last may be deleted, but a channel knows its number.
    fn is_ending(&self, incident: &str) -> bool {
        let problems = self.problems_named(incident);
        let known = problems.iter().map(|problem| problem.newest).max();
        let later = self.notifications.iter();
        let later = later.filter(|(number, _)| Some(*number) > known);
        let kinds = later
            .filter(|(_, one)| one.incident == incident)
            .map(|(_, one)| one.kind);
        let mut kinds = kinds.filter(|kind| *kind != Kind::Message && *kind != Kind::Test);
        kinds.next_back() == Some(Kind::Recovery)
    }

    fn newest(&self, incident: &str) -> Option<&Intake> {
        let problems = self.problems_named(incident);
        let newest = problems.iter().map(|problem| problem.newest).max()?;
        let mut notifications = self.notifications.iter();
        let (_, intake) = notifications.find(|(number, _)| *number == newest)?;
        Some(intake)
    }

    fn incident_of(&mut self, delivery: DeliveryId) -> Option<String> {
        let entry = self.entry(delivery)?.clone();
        let incident = &entry.intake.incident;
        let since = self.problem(&entry.channel, incident)?.since;
        let is_of_it = entry.intake.kind == Kind::Problem && entry.number >= since;
        is_of_it.then(|| incident.clone())
    }

    pub(super) fn acknowledge(&mut self, request: &AcknowledgeRequest) -> Acknowledged {
        let now_ms = request.now_ms;
        let mut superseded = vec![];
        let incident = match &request.target {
            AcknowledgeTarget::Incident(incident) => Some(incident.clone()),
            AcknowledgeTarget::Delivery(id) => {
                superseded.extend(self.prove(*id, Proof::Acknowledged, now_ms));
                self.incident_of(*id)
            }
        };
        let named = |incident: &String| {
            !self.problems_named(incident).is_empty() && !self.is_ending(incident)
        };
        let Some(incident) = incident.filter(named) else {
            return Acknowledged {
                incident: None,
                before: None,
                superseded,
                notice: None,
            };
        };
        let before = self.taken_by(&incident, now_ms);
        let own = before.clone().filter(|before| before.by == request.by);
        let severity = self.newest(&incident).map(|newest| newest.severity);
        let taken = Acknowledgement {
            by: request.by.clone(),
            via: own.as_ref().map_or(&request.via, |own| &own.via).clone(),
            note: request.note.clone(),
            at_ms: own.as_ref().map_or(now_ms, |own| own.at_ms),
            until_ms: request.until_ms,
            severity: severity.unwrap_or(Severity::Info),
        };
        self.taken.retain(|(name, _)| *name != incident);
        self.taken.push((incident.clone(), taken));
        let channels = self.problems_named(&incident);
        let channels: Vec<_> = channels
            .into_iter()
            .map(|one| one.channel.clone())
            .collect();
        let mut knowing = vec![];
        for channel in channels {
            let open = self.open(&channel, &incident, Kind::Problem);
            let is_in_flight = open.iter().any(|one| one.state == State::InFlight);
            if is_in_flight || self.is_known_on(&channel, &incident) {
                knowing.push(channel.clone());
            }
            superseded.extend(self.end_pointless(&channel, &incident, now_ms));
        }
        let mut notice = request.notice.clone().filter(|_| own.is_none());
        if let Some(notice) = &mut notice {
            notice.key = None;
            notice
                .intents
                .retain(|intent| knowing.contains(&intent.channel));
        }
        let notice = notice.filter(|notice| !notice.intents.is_empty());
        let notice = notice.and_then(|notice| self.accept(notice).ok());
        Acknowledged {
            incident: Some(incident),
            before,
            superseded,
            notice,
        }
    }

    pub(super) fn withdraw(&mut self, incident: &str, now_ms: i64) -> bool {
        let was_taken = self.taken_by(incident, now_ms).is_some();
        self.taken.retain(|(name, _)| name != incident);
        was_taken
    }

    pub(super) fn open_incidents(&self, query: &IncidentQuery) -> Vec<OpenIncident> {
        let mut names: Vec<&String> = self.problems.iter().map(|one| &one.incident).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !self.is_ending(name));
        let mut open = vec![];
        for name in names {
            let problems = self.problems_named(name);
            let since = problems.iter().map(|problem| problem.since).min();
            let first = self.notifications.iter().find(|(number, intake)| {
                Some(*number) >= since && intake.incident == *name && intake.kind == Kind::Problem
            });
            let newest = self.newest(name);
            let newest_ms = newest.map_or(0, |newest| newest.accepted_ms);
            let channels = problems.iter();
            open.push(OpenIncident {
                incident: name.clone(),
                host: newest.map_or_else(String::new, |newest| newest.host.clone()),
                severity: newest.map_or(Severity::Info, |newest| newest.severity),
                since_ms: first.map_or(newest_ms, |(_, first)| first.accepted_ms),
                newest_ms,
                content: newest.map_or_else(String::new, |newest| newest.content.to_string()),
                channels: channels
                    .map(|problem| (problem.channel.to_string(), problem.is_known))
                    .collect(),
                acknowledgement: self.taken_by(name, query.now_ms),
            });
        }
        open.retain(|one| {
            query
                .incident
                .as_ref()
                .is_none_or(|name| one.incident == *name)
        });
        open.retain(|one| query.host.as_ref().is_none_or(|host| one.host == *host));
        open.sort_by_key(|one| (Reverse(one.severity), one.since_ms, one.incident.clone()));
        open.truncate(query.limit as usize);
        open
    }
}
