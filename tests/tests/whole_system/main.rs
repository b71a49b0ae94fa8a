//! The whole system, from an example, a machine's heartbeat or a public call to what
//! arrives at the services, and to the numbers about it.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod examples;
mod metrics;
mod public_calls;
mod six_messages;
