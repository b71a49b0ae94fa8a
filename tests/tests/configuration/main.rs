//! Configurations, right and wrong: what the engine makes of them, and the sentences
//! that their authors read.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod delivery_global;
mod delivery_options;
mod document;
mod editor_schema;
mod every_key;
mod groups;
mod large;
mod mistakes;
mod quiet_hours;
mod sections;
mod values;
