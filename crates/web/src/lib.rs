//! The HTTP side of Annunciator, for programs that embed the engine: an API in JSON, served at a
//! Unix socket.
//!
//! [`Web`] makes a router of an engine, to which a program adds routes of its own. [`Server`]
//! serves it. Every request has an [`Identity`], and what is refused is refused in
//! [problem details](Problem). The description of all routes, in OpenAPI 3.1, is at
//! `/api/v1/openapi.json`.

mod api;
mod circumstances;
mod extract;
mod identity;
pub mod planned;
mod problem;
pub mod report;
mod router;
mod serve;
pub mod unkept;

pub use api::{
    AcknowledgeBody, Acknowledgements, AttemptJson, DeliveryJson, DeliveryPage, IncidentChannel,
    IncidentJson, Incidents, MAX_MESSAGE_LENGTH, MAX_REQUEST_LENGTH, NotificationBody, Notified,
    NotifyOutcome, ReportJson, Withdrawn, check_time,
};
pub use circumstances::{Circumstances, EventKind, check_attribute, check_incident, check_key};
pub use extract::{JsonBody, Query, Segments};
pub use identity::{Access, Actor, Identity, Peer, Reader, Scope};
pub use problem::{CONTENT_TYPE as PROBLEM_TYPE, FieldProblem, Problem, Reason};
pub use router::Web;
pub use serve::{Server, SocketError};
