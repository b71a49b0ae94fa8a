//! A stand-in of the Pushover API (<https://pushover.net/api>).
//!
//! It refuses what the service refuses, with its status and its JSON, counts the quota down, and
//! issues receipts for emergencies, which a test acknowledges or lets expire. A client that
//! breaks the service's rules without being refused (by polling too fast, retrying immediately
//! after an error, or sending secrets in the query) is recorded as a [`Violation`].

mod account;
mod encryption;
mod form;
mod pace;
mod receipts;
mod routes;
mod rules;
mod service;

pub use account::Quota;
pub use form::Attachment;
pub use pace::Violation;
pub use receipts::Receipt;
pub use service::{Builder, Message, Pushover};

/// The application token of a new stand-in.
pub const TOKEN: &str = "azGDORePK8gMaC0QOYAMyEEuzJnyUi";

/// The user key of a new stand-in, with the devices [`DEVICES`].
pub const USER: &str = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG";

/// The devices of [`USER`].
pub const DEVICES: [&str; 2] = ["droid2", "iphone"];
