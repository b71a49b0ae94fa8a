//! What other programs send over HTTP and by mail, as notifications.
//!
//! Pure functions: no server, no clock, no engine. A program that serves HTTP gives a
//! [`Request`] to a [`Source`] of its configuration and gets [`Event`]s; who may send, which
//! status a sender gets, and who is notified is for that program.
//!
//! ```
//! use annunciator_ingest::{Request, Sources, declare};
//! use annunciator::Engine;
//!
//! # let folder = std::env::temp_dir();
//! # let file = folder.join(format!("ingest-front-page-{}.yaml", std::process::id()));
//! # std::fs::write(&file, "ingest:\n  alerts: {format: alertmanager}\n")?;
//! let loaded = declare(Engine::builder(&file)).load()?;
//! # std::fs::remove_file(&file)?;
//! let sources = Sources::of(&loaded.config);
//! let alerts = sources.get("alerts").ok_or("no such source")?;
//!
//! let body = br#"{"version": "4", "status": "firing", "alerts": [{
//!     "status": "firing",
//!     "labels": {"alertname": "DiskFull", "instance": "prod-web-01:9100"},
//!     "annotations": {"summary": "/var is full"},
//!     "startsAt": "2026-11-23T02:30:00Z", "endsAt": "0001-01-01T00:00:00Z",
//!     "fingerprint": "3f2e8a6f1c7d9b04"
//! }]}"#;
//! let reading = alerts.read(&Request::new(body, 1_795_397_460_000))?;
//! let event = &reading.events[0];
//! assert_eq!(event.host.as_deref(), Some("prod-web-01"));
//! assert_eq!(event.incident.as_deref(), Some("alerts/3f2e8a6f1c7d9b04"));
//! let notification = event.notification();
//! assert_eq!(notification.body(), "/var is full");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a caller does with an event
//! - It submits [`Event::notification`] with [`Event::key`]: to `channels` if there are any,
//!   else to `host`, else to the default channels.
//!   `NotifyError::Conflict` means that the event was accepted before, in other words.
//! - Where [`Event::ends_at_ms`] is set, it keeps that time under the incident, each
//!   repetition moves it on, and when it passes, [`Event::ended`] is submitted as well. What
//!   comes of the same incident afterwards is [`Event::renewed`].
//! - [`Reading::errors`] are logged and counted by [`Reason::name`]; the sender is told of
//!   them too, and is refused only if nothing was read.

mod config;
mod error;
mod event;
mod expression;
mod formats;
pub mod limits;
mod mail;
mod mapping;
mod payload;
mod request;
mod source;
mod word;

pub use config::{Sources, declare};
pub use error::{Fault, IngestError, Reason};
pub use event::Event;
pub use formats::Format;
pub use mail::{Mail, MailError, Recipient, Recipients};
pub use request::Request;
pub use source::{Reading, Source};
