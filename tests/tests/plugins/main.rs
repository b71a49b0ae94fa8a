//! Plugins in the engine: those that are shipped, those that are none or misbehave,
//! and those that somebody else had a hand in.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod bad_plugins;
mod misbehaviour;
mod statuses;
mod suites;
mod verified;
mod webhook_examples;
