//! What stands in for services in tests, spoken to as real programs do: it is as
//! strict as the real ones.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod http;
mod mattermost;
mod mattermost_rest;
mod pushover;
mod raw;
mod signal;
mod smtp;
