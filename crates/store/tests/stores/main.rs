//! The stores: each passes the conformance suite, and both answer alike.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod agree;
mod conformance;
