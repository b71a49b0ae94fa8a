//! A stand-in of the Pushover API (<https://pushover.net/api>).
//!
//! Refuses what the service refuses, with its status and its JSON; counts the
//! quota down; gives receipts for emergencies, which a test acknowledges or
//! lets expire. What a client does against the service's rules without being
//! refused for it (polling too fast, repeating at once after an error, secrets
//! in the query) is kept as a [`Violation`].

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

/// The application token that a new stand-in knows.
pub const TOKEN: &str = "azGDORePK8gMaC0QOYAMyEEuzJnyUi";

/// The user key that a new stand-in knows, with the devices [`DEVICES`].
pub const USER: &str = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG";

/// The devices of [`USER`].
pub const DEVICES: [&str; 2] = ["droid2", "iphone"];
