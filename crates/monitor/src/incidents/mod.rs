//! Incidents: which problems are open, who was notified of them, and the texts of messages.
//!
//! `log` decides the recipients of a notice and remembers them for the end of the problem,
//! `open` holds the open problems, `message` has outbound messages, and `words` has the
//! texts.

mod log;
mod message;
mod open;
#[cfg(test)]
mod tests;
mod words;

pub use log::{AcknowledgeLink, IncidentLog, Routes};
pub(crate) use message::Lane;
pub use message::{Message, OutboundMessage};
pub use open::{IncidentChange, Reported};
