//! Forwards messages to the engine, whose store of deliveries has the rest.
//!
//! `queue` preserves their order, `forwarder` submits them, and `deliveries` reads
//! from the engine's store what became of them.

mod deliveries;
mod forwarder;
mod queue;

pub use deliveries::{DeliveryCounts, HostDelivery, host_deliveries};
pub use forwarder::Forwarder;
