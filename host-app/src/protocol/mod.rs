//! The heartbeat protocol: one JSON object per UDP datagram.
//!
//! Decides what a sound datagram is, and which key must have signed it.
//! Whether it is fresh, and what it means, is the monitor's to judge.
//! `docs/protocol.md` describes the format for other languages.

mod blame;
mod datagram;
mod decode;
mod encode;
mod key;
mod key_file;
mod keyring;
pub mod limits;
pub mod name;
mod reject;
mod scalar;
mod signature;
mod skip;
mod wire;

pub use datagram::{Datagram, Event, Family};
pub use decode::{claimed_host, decode};
pub use encode::EncodeError;
pub use key::{Key, KeyError};
pub use keyring::Keyring;
pub use reject::Reject;
