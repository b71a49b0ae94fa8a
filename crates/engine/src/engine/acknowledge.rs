//! Acknowledgements: a person says that they have taken over a problem.

use std::time::SystemTime;

use annunciator_store::{
    AcknowledgeRequest, AcknowledgeTarget, Acknowledgement, DeliveryId, IncidentQuery,
};
use serde::Serialize;

use crate::{
    engine::{error::NotifyError, handle::Engine, runtime_home::Misplaced},
    event::since_epoch,
    line::printable,
};

/// The maximum length of a person's name and of the way by which they have acknowledged, in
/// characters.
const MAX_NAME_LENGTH: usize = 100;
/// The maximum length of a note, in characters.
const MAX_NOTE_LENGTH: usize = 1000;
/// The maximum number of incidents of a host that one call acknowledges.
const MAX_INCIDENTS: u32 = 10_000;

/// A person's word that they have taken over a problem.
///
/// ```
/// use annunciator::Acknowledge;
///
/// let acknowledge = Acknowledge::incident("prod-web-01/cpu", "anna")
///     .via("hbd ack")
///     .note("the batch job, it ends at four");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Acknowledge {
    of: Of,
    by: String,
    via: String,
    note: String,
    until: Option<SystemTime>,
}

/// What is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Of {
    Incident(String),
    Delivery(DeliveryId),
    Host(String),
}

impl Acknowledge {
    /// Acknowledges the open problem of an incident, in the name of a person; an empty name
    /// counts as `somebody`.
    pub fn incident(incident: impl Into<String>, by: impl Into<String>) -> Self {
        Self::of(Of::Incident(incident.into()), by)
    }

    /// Acknowledges a delivery, and the problem that it reports if that is still open.
    pub fn delivery(delivery: DeliveryId, by: impl Into<String>) -> Self {
        Self::of(Of::Delivery(delivery), by)
    }

    /// Acknowledges all open problems of a host.
    pub fn host(host: impl Into<String>, by: impl Into<String>) -> Self {
        Self::of(Of::Host(host.into()), by)
    }

    fn of(of: Of, by: impl Into<String>) -> Self {
        Self {
            of,
            by: by.into(),
            via: String::new(),
            note: String::new(),
            until: None,
        }
    }

    /// Sets the way by which the person has said so, such as a command or the name of a channel.
    pub fn via(mut self, via: impl Into<String>) -> Self {
        self.via = via.into();
        self
    }

    /// Adds what the person says about it.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Limits the acknowledgement: people are reminded again from this time on if the problem
    /// goes on.
    pub fn until(mut self, until: SystemTime) -> Self {
        self.until = Some(until);
        self
    }

    fn request(&self, target: AcknowledgeTarget, now_ms: i64) -> AcknowledgeRequest {
        let name = |text: &str| bounded(&printable(text), MAX_NAME_LENGTH);
        AcknowledgeRequest {
            target,
            by: name(&self.by),
            via: name(&self.via),
            note: bounded(&printable(&self.note), MAX_NOTE_LENGTH),
            now_ms,
            until_ms: self.until.map(since_epoch),
            notice: None,
        }
    }
}

/// Returns a text without surrounding blanks, cut to a number of characters.
fn bounded(text: &str, max: usize) -> String {
    text.trim().chars().take(max).collect()
}

/// An incident whose problem somebody has taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AcknowledgedIncident {
    /// The incident.
    pub incident: String,
    /// The acknowledgement that was in force before, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Acknowledgement>,
    /// The channels that are notified of who has taken over.
    pub notified: Vec<String>,
    /// The deliveries that are not sent any more.
    pub superseded: Vec<DeliveryId>,
}

impl Engine {
    /// Records that a person has taken over a problem.
    ///
    /// Until the problem ends or gets worse, people are not reminded of it: further messages of
    /// the incident are suppressed by a rule that names the person and the time. The steps of
    /// groups that wait are superseded. The channels that were notified of the problem are
    /// notified once of who has taken over, unless their option `announce_acknowledgements` is
    /// off.
    ///
    /// Returns the incidents that are acknowledged now; none if nothing of the kind is open.
    ///
    /// # Errors
    /// [`NotifyError`] when nothing could be recorded, or only for some of a host's incidents.
    /// [`NotifyError::NoStore`] when the engine has no store.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(engine: &annunciator::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// use annunciator::Acknowledge;
    ///
    /// let taken = engine.acknowledge(Acknowledge::host("prod-web-01", "anna")).await?;
    /// for one in taken {
    ///     println!("{}: {} channels are notified", one.incident, one.notified.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn acknowledge(
        &self,
        acknowledge: Acknowledge,
    ) -> Result<Vec<AcknowledgedIncident>, NotifyError> {
        let engine = self.clone();
        let inner = &self.0;
        inner.runtime_home.check()?;
        if inner.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        // A task of its own, which continues if the caller stops waiting: what the store has
        // accepted of the notice is attempted.
        let acknowledging = async move { engine.acknowledge_here(acknowledge).await };
        inner.runtime_home.check_driven().await?;
        let runtime = inner.runtime_home.runtime();
        let acknowledging = inner.deliveries.spawn_on(acknowledging, runtime);
        acknowledging.await.map_err(|error| Misplaced::of(&error))?
    }

    async fn acknowledge_here(
        &self,
        acknowledge: Acknowledge,
    ) -> Result<Vec<AcknowledgedIncident>, NotifyError> {
        let inner = &*self.0;
        let outbox = inner.outbox.as_ref().ok_or(NotifyError::NoStore)?;
        let now_ms = inner.shared.clock.now_ms();
        let targets = match &acknowledge.of {
            Of::Incident(incident) => vec![AcknowledgeTarget::Incident(incident.clone())],
            Of::Delivery(delivery) => vec![AcknowledgeTarget::Delivery(*delivery)],
            Of::Host(host) => {
                let query = IncidentQuery {
                    host: Some(host.clone()),
                    now_ms,
                    limit: MAX_INCIDENTS,
                    ..IncidentQuery::default()
                };
                let open = outbox.store.incidents(query).await?.into_iter();
                open.map(|one| AcknowledgeTarget::Incident(one.incident))
                    .collect()
            }
        };
        let mut all = Vec::new();
        for target in targets {
            let request = acknowledge.request(target, now_ms);
            let acknowledged = outbox.acknowledge(inner, request).await?;
            let Some(incident) = acknowledged.incident else {
                continue;
            };
            let notified = acknowledged.notice.iter().flat_map(|one| &one.deliveries);
            let superseded = acknowledged.superseded.iter();
            all.push(AcknowledgedIncident {
                incident,
                before: acknowledged.before,
                notified: notified.map(|one| one.channel.to_string()).collect(),
                superseded: superseded.map(|one| one.delivery).collect(),
            });
        }
        Ok(all)
    }

    /// Withdraws the acknowledgement of an incident, so that people are reminded again. Returns
    /// whether there was one.
    ///
    /// # Errors
    /// The same as [`acknowledge`](Self::acknowledge).
    pub async fn withdraw_acknowledgement(&self, incident: &str) -> Result<bool, NotifyError> {
        let inner = &self.0;
        inner.runtime_home.check()?;
        if inner.deliveries.is_closed() {
            return Err(NotifyError::Closed);
        }
        let outbox = inner.outbox.as_ref().ok_or(NotifyError::NoStore)?;
        let withdrawing = outbox
            .store
            .withdraw(incident.to_owned(), inner.shared.clock.now_ms());
        Ok(inner.runtime_home.run(withdrawing).await??)
    }
}
