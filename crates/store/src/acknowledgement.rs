//! Acknowledgements: a person has taken over an incident.

use serde::{Deserialize, Serialize};

use crate::{Accepted, DeliveryId, Intake, Severity, Superseded};

/// What is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcknowledgeTarget {
    /// The problem that is open under this incident.
    Incident(String),
    /// A delivery, and the problem that it reports if that is still open on its channel. The
    /// delivery's proof becomes [`Proof::Acknowledged`](crate::Proof::Acknowledged) in any case.
    Delivery(DeliveryId),
}

/// A request to record an acknowledgement. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgeRequest {
    /// What is acknowledged.
    pub target: AcknowledgeTarget,
    /// The person who has taken over.
    pub by: String,
    /// The way by which they said so, such as `hbd ack` or the name of a channel.
    pub via: String,
    /// What they said about it; empty for nothing.
    pub note: String,
    /// The current time.
    pub now_ms: i64,
    /// When the acknowledgement ends although the problem goes on, if it does.
    pub until_ms: Option<i64>,
    /// The notification by which people learn who has taken over. It is accepted with the
    /// acknowledgement, for those channels of it that were notified of the problem or on which a
    /// message of the problem is in flight. Its idempotency key is ignored.
    pub notice: Option<Intake>,
}

/// An acknowledgement as it is stored. Times are milliseconds since the Unix epoch.
///
/// It is in force until the problem ends or gets worse than it was when it was acknowledged, and
/// not beyond `until_ms`. Meanwhile further messages of the problem are suppressed, and those that
/// wait are superseded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The person who has taken over.
    pub by: String,
    /// The way by which they said so.
    pub via: String,
    /// What they said about it; empty for nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When this person took over.
    pub at_ms: i64,
    /// When it ends although the problem goes on, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// The severity of the problem when it was acknowledged: a more severe message ends the
    /// acknowledgement.
    pub severity: Severity,
}

/// The store's answer to an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The incident whose problem is acknowledged; `None` if none is open there, and nothing but
    /// a delivery's proof was recorded.
    pub incident: Option<String>,
    /// The acknowledgement that was in force before, if there was one. The same person then
    /// changed its end and its note, and is not announced again; another person has replaced it.
    pub before: Option<Acknowledgement>,
    /// Deliveries that are not sent any more.
    pub superseded: Vec<Superseded>,
    /// The notice as it was accepted, with the deliveries of the channels that get it; `None` if
    /// no channel does.
    pub notice: Option<Accepted>,
}

/// A query for incidents. An incident matches if it meets all conditions that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentQuery {
    /// Only this incident.
    pub incident: Option<String>,
    /// Only incidents whose newest notification is about this host.
    pub host: Option<String>,
    /// The current time, by which an acknowledgement is in force or not, in milliseconds since
    /// the Unix epoch.
    pub now_ms: i64,
    /// The maximum number of incidents.
    pub limit: u32,
}

impl IncidentQuery {
    /// Asks for one incident.
    #[must_use]
    pub fn one(incident: impl Into<String>, now_ms: i64) -> Self {
        Self {
            incident: Some(incident.into()),
            host: None,
            now_ms,
            limit: 1,
        }
    }
}

/// An incident whose problem is open on at least one channel, and whose end was not accepted. Times are milliseconds since the
/// Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIncident {
    /// The incident's name.
    pub incident: String,
    /// The host that its newest notification is about; empty for none.
    pub host: String,
    /// The severity of its newest notification.
    pub severity: Severity,
    /// When the first notification of the problem was accepted that is still stored.
    pub since_ms: i64,
    /// When the newest was.
    pub newest_ms: i64,
    /// The newest notification as it was accepted: see [`StoredContent`](crate::StoredContent).
    pub content: String,
    /// The channels on which it is open, by name, each with whether people may have been notified
    /// of the problem there.
    pub channels: Vec<(String, bool)>,
    /// The acknowledgement that is in force, if there is one.
    pub acknowledgement: Option<Acknowledgement>,
}
