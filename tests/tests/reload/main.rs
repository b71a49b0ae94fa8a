//! A configuration that changes while the engine runs: what stays, what is
//! replaced, and that nothing is lost.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod copies;
mod definitions;
mod running;
mod under_way;
