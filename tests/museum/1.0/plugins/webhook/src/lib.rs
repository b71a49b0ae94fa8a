//! The webhook channel: any HTTP service that takes a request for a message.
//!
//! Thin: the host makes the requests. The settings say by templates what the
//! request is and by expressions what an answer means; this crate sees to it
//! that no message can make it another request than was meant.

mod answer;
mod config;
mod message;
mod outcome;
mod provider;
mod signature;
mod template;
mod validation;

pub use config::{Algorithm, Answer, Config, Encoding, Meaning, Method, Signature};
pub use provider::Webhook;

annunciator_sdk::export_channels!(Webhook);
