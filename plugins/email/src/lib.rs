//! The email channel: mails over SMTP.
//!
//! A mail goes to all recipients in as few transactions as the server allows,
//! and each recipient has an outcome of its own. Connections are encrypted
//! unless the settings say otherwise, and are kept for the next mail.
//!
//! MIME is lettre's. The conversation with the server is this crate's own:
//! it must go on after a refused recipient, tell a line lost before the dot
//! from one lost behind it, see a foreign greeting as it came, and send
//! `MAIL` and `RCPT` in one piece, which lettre's connection doesn't offer.

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
