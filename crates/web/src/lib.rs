//! The HTTP side of Annunciator, for programs that embed the engine: an API in JSON and
//! [pages](page) for browsers, served at a Unix socket and over TCP.
//!
//! [`Web`] makes a router of an engine, to which a program adds routes of its own. [`Server`]
//! serves it. Every request has an [`Identity`], except for
//! [open routes](Web::open_routes), and what is refused is refused in
//! [problem details](Problem). The description of all routes, in OpenAPI 3.1, is at
//! `/api/v1/openapi.json`.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use annunciator::Engine;
//! use annunciator_web::{Opening, Server, Web};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::builder("/etc/controller.yaml").start().await?;
//! let router = Web::new(engine, "the controller").router();
//! let server = Server::at_socket(Path::new("/run/controller.sock"), Opening::OwnUser, router)?;
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! A program that serves the router by itself adds a [`Peer`] to the extensions of each request;
//! without one, nobody can be told, and every request is refused.

mod acts;
mod api;
mod circumstances;
mod config;
mod cookie;
mod credentials;
mod extract;
mod identity;
mod ingest;
mod links;
pub mod page;
pub mod planned;
mod plugins;
mod problem;
mod proxy;
pub mod report;
mod router;
mod scope;
mod serve;
mod sessions;
mod shared_incidents;
mod test_message;
mod tls;
mod tokens;
pub mod unkept;

pub use acts::{Act, ActPage, Acting, Acts};
pub use api::{
    AcknowledgeBody, Acknowledgements, AttemptJson, DeliveryJson, DeliveryPage, IncidentChannel,
    IncidentJson, Incidents, MAX_MESSAGE_LENGTH, MAX_REQUEST_LENGTH, MadeToken, NotificationBody,
    Notified, NotifyOutcome, RemovedToken, ReportJson, TokenBody, TokenList, Withdrawn, check_time,
    open_incidents,
};
pub use circumstances::{Circumstances, EventKind, check_attribute, check_incident, check_key};
pub use config::{WebConfig, declare};
pub use extract::{FormBody, JsonBody, NoFields, Query, RawBody, Segments};
pub use identity::{Access, Actor, Administrator, Reader, Sender};
pub use ingest::{Ingest, Taken, TakenError};
pub use links::{AckKeyError, AckLinks};
pub use problem::{CONTENT_TYPE as PROBLEM_TYPE, FieldProblem, Problem, Reason};
pub use proxy::{EVERYBODY, Proxy};
pub use router::Web;
pub use scope::{Credential, Drain, Encrypted, Identity, Peer, Scope, UnknownScope};
pub use serve::{AddressError, Bind, Limits, Opening, Server, SocketError};
pub use shared_incidents::SharedIncidents;
pub use test_message::test_message;
pub use tls::{Tls, TlsError, TlsFiles};
pub use tokens::{TokenError, TokenRecord, Tokens};
