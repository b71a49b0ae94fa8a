//! The webhook channel: sends each message as an HTTP request that the operator defines.
//!
//! The host makes the requests. The settings define the request by templates, and the meaning of an
//! answer by expressions. This crate ensures that no message can turn the request into another one
//! than was meant.

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
