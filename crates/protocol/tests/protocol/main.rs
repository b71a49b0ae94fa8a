//! The heartbeat protocol against its description, and against what a network may
//! bring.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod datagrams;
mod document;
mod properties;
mod signed;
