//! Records what the monitor decides, and hands messages to the engine.
//!
//! `recorder` accepts what is to be recorded, `recording` is the task that records it, one
//! `writing` at a time, and `messages` decides the fate of each message. `handover` hands
//! messages over if the engine has its deliveries elsewhere. `unrecorded` delivers what
//! cannot be recorded, in an `order` that keeps each host's messages in sequence, and
//! `deliveries` reads from the engine's store what became of them.

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
