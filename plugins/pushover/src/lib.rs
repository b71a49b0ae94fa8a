//! The pushover channel: sends push messages to phones by <https://pushover.net>.
//!
//! The host makes the requests. This crate decides how a notification fits into the service's
//! limits and what an answer means, and follows an emergency until somebody acknowledges it or its
//! incident recovers.

mod api;
mod config;
mod encryption;
mod html;
mod message;
mod outcome;
mod people;
mod priority;
mod provider;
mod quota;
mod receipts;
mod recipient;

pub use config::Config;
pub use priority::{Priorities, Priority};
pub use provider::Pushover;

annunciator_sdk::export_channels!(Pushover);
