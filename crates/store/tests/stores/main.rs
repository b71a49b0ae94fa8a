//! The stores: each passes the conformance suite, and answers as the model does.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod conformance;
