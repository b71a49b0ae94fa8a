//! Acknowledgements: records that a person has taken over a problem, and notifies the channels that
//! were notified of it of who has.

use std::sync::Arc;

use annunciator_core::message::ACKNOWLEDGED_BY;
use annunciator_store::{
    AcknowledgeRequest, AcknowledgeTarget, Acknowledged, DeliveryId, IncidentQuery, MessageText,
    OpenIncident, Query, Record, StoreError,
};

use super::{
    dispatcher::CurrentConfig,
    outbox::{Outbox, STORE_TIMEOUT},
    submission::{Addressee, Submission},
};
use crate::{
    event::{Notification, Rendered},
    services::Proven,
};

/// Who has taken over, where no name is known.
const SOMEBODY: &str = "somebody";

impl Outbox {
    /// Records an acknowledgement, and starts the deliveries of its notice. `request` comes
    /// without a notice; an empty name counts as `somebody`.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not record it, or not within [`STORE_TIMEOUT`].
    pub(crate) async fn acknowledge(
        self: &Arc<Self>,
        config: &impl CurrentConfig,
        request: AcknowledgeRequest,
    ) -> Result<Acknowledged, StoreError> {
        let acknowledging = self.acknowledge_in_time(config, request);
        tokio::select! {
            acknowledged = acknowledging => acknowledged,
            () = self.clock.sleep(STORE_TIMEOUT) => Err(StoreError::Silent(STORE_TIMEOUT)),
        }
    }

    async fn acknowledge_in_time(
        self: &Arc<Self>,
        config: &impl CurrentConfig,
        mut request: AcknowledgeRequest,
    ) -> Result<Acknowledged, StoreError> {
        if request.by.is_empty() {
            request.by = SOMEBODY.to_owned();
        }
        let incident = match &request.target {
            AcknowledgeTarget::Incident(incident) => Some(incident.clone()),
            AcknowledgeTarget::Delivery(id) => self.record(*id).await?.map(|one| one.incident),
        };
        let open = match incident.filter(|incident| !incident.is_empty()) {
            Some(incident) => self.open_incident(incident, request.now_ms).await?,
            None => None,
        };
        let notice = open.and_then(|open| {
            let rendered = notice(&open, &request)?;
            let channels = open.channels.iter();
            let channels = channels.filter_map(|(channel, _)| config.channel(channel));
            let addressees = channels
                .filter(|channel| channel.config().options().announce_acknowledgements)
                .map(|channel| Addressee {
                    channel,
                    turn: None,
                });
            Some(self.prepare(Submission {
                rendered,
                addressees: addressees.collect(),
                key: None,
            }))
        });
        let (notice, pending) = notice.unzip();
        request.notice = notice;
        let (by, via) = (request.by.clone(), request.via.clone());
        let acknowledged = self.store.acknowledge(request).await?;
        self.notify_superseded(&acknowledged.superseded);
        if let Some(incident) = &acknowledged.incident {
            tracing::info!(incident, by, via, "somebody has taken over");
        }
        match (pending, acknowledged.notice.clone()) {
            (Some(pending), Some(accepted)) => {
                let pending = pending.only_accepted(&accepted);
                self.begin_accepted(pending, Ok(accepted))?;
            }
            (Some(pending), None) => {
                drop(pending);
                // Other notifications may have waited for its permits.
                self.wake();
            }
            (None, _) => {}
        }
        Ok(acknowledged)
    }

    /// Records an acknowledgement that a provider has reported for a delivery.
    pub(super) async fn acknowledged_by_channel(
        self: &Arc<Self>,
        config: &impl CurrentConfig,
        proven: &Proven,
    ) -> Result<(), StoreError> {
        let record = self.record(proven.delivery).await?;
        let request = AcknowledgeRequest {
            target: AcknowledgeTarget::Delivery(proven.delivery),
            by: proven.by.as_deref().unwrap_or_default().to_owned(),
            via: record.map(|record| record.channel).unwrap_or_default(),
            note: proven.note.as_deref().unwrap_or_default().to_owned(),
            now_ms: self.clock.now_ms(),
            until_ms: None,
            notice: None,
        };
        self.acknowledge(config, request).await?;
        Ok(())
    }

    async fn record(&self, delivery: DeliveryId) -> Result<Option<Record>, StoreError> {
        let query = Query::one(delivery);
        Ok(self.store.deliveries(query).await?.pop())
    }

    async fn open_incident(
        &self,
        incident: String,
        now_ms: i64,
    ) -> Result<Option<OpenIncident>, StoreError> {
        let query = IncidentQuery::one(incident, now_ms);
        Ok(self.store.incidents(query).await?.pop())
    }
}

/// Returns the notification of who has taken over an incident.
fn notice(open: &OpenIncident, request: &AcknowledgeRequest) -> Option<Rendered> {
    let text = MessageText::of(&open.content);
    let subject = text.map_or_else(|| open.incident.clone(), |text| text.subject().to_owned());
    let mut body = format!("taken over by {}: {subject}", request.by);
    if !request.note.is_empty() {
        body.push('\n');
        body.push_str(&request.note);
    }
    let notification = Notification::new(body)
        .incident(&*open.incident)
        // Plugins end by it what they do for an incident that nobody has taken over.
        .attribute(ACKNOWLEDGED_BY, &*request.by);
    let rendered = notification.render(&open.host, request.now_ms)?;
    Some(Rendered {
        ignores_min_severity: true,
        ..rendered
    })
}
