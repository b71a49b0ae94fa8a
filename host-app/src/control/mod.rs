//! The control socket, on which other programs on this machine send requests to the running
//! monitor.
//!
//! A connection carries one request and one answer, each a line of JSON. Access to the
//! socket permits everything, so its mode is 0600.

mod answers;
mod circumstances;
mod client;
mod request;
mod server;

pub use answers::{Notified, NotifyOutcome, ReportJson, Silenced, StatusAnswer};
pub use circumstances::{Circumstances, EventKind, check_attribute, check_incident, check_key};
pub use client::{ClientError, ask};
pub use request::{
    Answer, MAX_LINES, MAX_MESSAGE_LENGTH, MAX_REQUEST_LENGTH, MAX_SILENCE, Request,
};
pub use server::{ControlError, ControlServer, Subject};
