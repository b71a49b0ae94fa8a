//! Acknowledgements and the incidents that are open: facts for the rules of
//! [`acknowledgement`](crate::rules::acknowledgement), and the changes that they decide.

use std::sync::Arc;

use super::{indexes::Indexes, store::Memory, stored::StoredNotification};
use crate::{
    AcknowledgeRequest, AcknowledgeTarget, Acknowledged, Acknowledgement, DeliveryId,
    IncidentQuery, Intake, Kind, OpenIncident, Proof, Severity,
    rules::{
        acknowledgement::{self as rule, OnAcceptance},
        incident,
    },
};

impl Memory {
    /// Decides what an acknowledgement means for a notification, and deletes it if it has ended.
    pub(super) fn on_acceptance(&mut self, intake: &Intake) -> OnAcceptance {
        let incidents = &self.indexes.incidents;
        let stored = incidents.acknowledgement(&intake.incident).cloned();
        let decided = rule::on_acceptance(stored, intake);
        if decided == OnAcceptance::Ends {
            self.indexes.set_acknowledgement(&intake.incident, None);
        }
        decided
    }

    /// Records an acknowledgement, and what follows from it.
    pub(super) fn acknowledge(&mut self, request: &AcknowledgeRequest) -> Acknowledged {
        let now_ms = request.now_ms;
        let mut answer = Acknowledged {
            incident: None,
            before: None,
            superseded: Vec::new(),
            notice: None,
        };
        let incident = match &request.target {
            AcknowledgeTarget::Incident(incident) => Some(Arc::from(incident.as_str())),
            AcknowledgeTarget::Delivery(id) => {
                answer.superseded = self.indexes.prove(*id, Proof::Acknowledged, now_ms);
                self.indexes.problem_of(*id)
            }
        };
        let Some(incident) = incident else {
            return answer;
        };
        let channels: Vec<_> = self
            .indexes
            .incidents
            .channels(&incident)
            .cloned()
            .collect();
        if channels.is_empty() || rule::has_ended(self.indexes.later_kind(&incident)) {
            return answer;
        }
        let before = self.indexes.acknowledgement_in_force(&incident, now_ms);
        let newest = self.indexes.newest_of(&incident);
        let severity = newest.map(|(_, newest)| newest.severity);
        let now = rule::recorded(before.as_ref(), request, severity);
        self.indexes.set_acknowledgement(&incident, Some(now));
        let mut knowing = Vec::new();
        for channel in channels {
            let key = (channel, Arc::clone(&incident));
            let known = self.indexes.incidents.known(&key);
            if rule::is_known(known, &self.indexes.open_of(&key)) {
                knowing.push(Arc::clone(&key.0));
            }
            answer.superseded.extend(self.indexes.review(&key, now_ms));
        }
        if rule::is_news(before.as_ref(), request) {
            let notice = rule::notice(request, |intent| knowing.contains(&intent.channel));
            // It has no key that could be in conflict.
            answer.notice = notice.and_then(|notice| self.accept(&notice).ok());
        }
        (answer.incident, answer.before) = (Some(incident.to_string()), before);
        answer
    }
}

impl Indexes {
    /// Replaces the acknowledgement of an incident of which a channel knows.
    fn set_acknowledgement(&mut self, incident: &str, now: Option<Acknowledgement>) {
        if self.incidents.acknowledge(incident, now) {
            self.changes.acknowledgement(incident.into());
        }
    }

    /// Returns the acknowledgement of an incident that is in force.
    pub(super) fn acknowledgement_in_force(
        &self,
        incident: &str,
        now_ms: i64,
    ) -> Option<Acknowledgement> {
        rule::in_force(self.incidents.acknowledgement(incident).cloned(), now_ms)
    }

    /// Withdraws an acknowledgement, and returns whether it was in force.
    pub(super) fn withdraw(&mut self, incident: &str, now_ms: i64) -> bool {
        let valid = self.acknowledgement_in_force(incident, now_ms);
        self.set_acknowledgement(incident, None);
        valid.is_some()
    }

    /// Returns the incident of a delivery that reports a problem which is open on its channel.
    fn problem_of(&self, delivery: DeliveryId) -> Option<Arc<str>> {
        let (key, number) = self.incident_of(delivery)?;
        let is_problem = self.notification(number)?.kind == Kind::Problem;
        let is_over = incident::is_over(self.incidents.known(&key), number);
        (is_problem && !is_over).then_some(key.1)
    }

    /// Returns the newest notification of an incident on any channel, if it is stored.
    fn newest_of(&self, name: &Arc<str>) -> Option<(i64, &StoredNotification)> {
        let newest = self.knowledge_of(name).map(|known| known.newest).max()?;
        Some((newest, self.notification(newest)?))
    }

    /// Returns the kind of the newest problem or recovery of an incident after the newest that a
    /// channel knows.
    fn later_kind(&self, name: &Arc<str>) -> Option<Kind> {
        let known = self.knowledge_of(name).map(|known| known.newest).max()?;
        let later = self.notifications.range(known.saturating_add(1)..).rev();
        let mut of_it = later
            .filter(|(_, one)| one.incident == *name)
            .map(|(_, one)| one.kind);
        of_it.find(|kind| matches!(kind, Kind::Problem | Kind::Recovery))
    }

    fn knowledge_of(&self, name: &Arc<str>) -> impl Iterator<Item = incident::Incident> {
        let channels = self.incidents.channels(name);
        channels.filter_map(|channel| {
            let key = (Arc::clone(channel), Arc::clone(name));
            self.incidents.known(&key)
        })
    }

    /// Returns the open incidents that a query asks for, the most severe first.
    pub(super) fn open_incidents(&self, query: &IncidentQuery) -> Vec<OpenIncident> {
        let names = self.incidents.names();
        let is = |asked: &Option<String>, is: &str| asked.as_deref().is_none_or(|it| it == is);
        let named = names.filter(|name| is(&query.incident, name));
        let open = named.filter(|name| !rule::has_ended(self.later_kind(name)));
        let open = open.map(|name| self.open_incident(name, query.now_ms));
        let mut found: Vec<OpenIncident> = open.filter(|one| is(&query.host, &one.host)).collect();
        found.sort_by(|one, other| rule::order(one).cmp(&rule::order(other)));
        found.truncate(query.limit as usize);
        found
    }

    fn open_incident(&self, name: &Arc<str>, now_ms: i64) -> OpenIncident {
        let newest = self.newest_of(name).map(|(_, newest)| newest);
        let newest_ms = newest.map_or(0, |newest| newest.accepted_ms);
        let since = self.knowledge_of(name).map(|known| known.since).min();
        let since = self.notifications.range(since.unwrap_or_default()..);
        let mut since = since.map(|(_, one)| one);
        let first = since.find(|one| one.incident == *name && one.kind == Kind::Problem);
        let channels = self.incidents.channels(name).map(|channel| {
            let key = (Arc::clone(channel), Arc::clone(name));
            let known = self.incidents.known(&key);
            let is_notified = known.is_some_and(|known| known.is_notified);
            (channel.to_string(), is_notified)
        });
        OpenIncident {
            incident: name.to_string(),
            host: newest.map(|newest| newest.host.clone()).unwrap_or_default(),
            severity: newest.map_or(Severity::Info, |newest| newest.severity),
            since_ms: first.map_or(newest_ms, |first| first.accepted_ms),
            newest_ms,
            content: newest
                .map(|newest| newest.content.to_string())
                .unwrap_or_default(),
            channels: channels.collect(),
            acknowledgement: self.acknowledgement_in_force(name, now_ms),
        }
    }
}
