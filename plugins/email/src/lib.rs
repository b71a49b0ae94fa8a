//! The email channel: sends emails over SMTP.
//!
//! An email goes to all recipients in as few transactions as the server allows, and each recipient
//! has its own outcome. Connections are encrypted unless the settings say otherwise, and are kept
//! for the next email.
//!
//! lettre writes the MIME. This crate implements the conversation with the server, because it needs
//! what lettre's connection does not offer: to continue after a refused recipient, to distinguish a
//! connection that was lost before the final dot from one that was lost after it, to see the
//! greeting of another protocol as it was received, and to send `MAIL` and `RCPT` in one write.

mod address;
mod config;
mod failure;
mod html;
mod identity;
mod login;
mod message;
mod outcome;
mod pool;
mod provider;
mod refusal;
mod reply;
mod rules;
mod session;
mod tls;
mod transaction;
mod wire;

pub use config::{AuthMethod, Config, TlsMode, TlsVersion};
pub use provider::Email;

annunciator_sdk::export_channels!(Email);
