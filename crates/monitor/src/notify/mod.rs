//! Records what the monitor decides, and hands messages to the engine.
//!
//! `recorder` takes what is to be recorded, `recording` does it, one `writing` at a
//! time, `messages` is what becomes of each of them, `handover` hands them over where the engine keeps its
//! deliveries elsewhere, `unrecorded` delivers what cannot be recorded in the `order`
//! that matters, and `deliveries` reads from the engine's store what became of all.

mod deliveries;
mod handover;
mod messages;
mod order;
mod recorder;
mod recording;
mod unrecorded;
mod writing;

#[cfg(test)]
mod tests;

pub use deliveries::{DeliveryCounts, HostDelivery, host_deliveries};
pub use recorder::{Recorder, Records};
