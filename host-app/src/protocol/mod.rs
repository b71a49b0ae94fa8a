//! The heartbeat protocol: one JSON object per UDP datagram.

mod datagram;
mod reject;

pub use datagram::{Datagram, Event, Family};
pub use reject::Reject;
