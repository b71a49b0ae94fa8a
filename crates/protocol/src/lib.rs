//! The heartbeat protocol of `hbd`: one JSON object per UDP datagram.
//!
//! A host sends datagrams to a monitor: heartbeats with the values of its
//! metrics, and events such as a shutdown. This crate writes them for senders and
//! reads and verifies them for monitors. It sends nothing itself, asks no clock,
//! and keeps no state, so it fits any program and any runtime.
//! `docs/protocol.md` describes the format for other languages, with test
//! vectors.
//!
//! # Writing a sender
//!
//! Fill in a [`Datagram`], [encode](Datagram::encode) it, and send the bytes as one
//! UDP packet. Increase the counter with every datagram of a boot. A monitor
//! accepts each counter once, so an important event can be sent several times: it
//! is accepted the first time that it arrives.
//!
//! ```
//! use std::time::Duration;
//!
//! use annunciator_protocol::{Datagram, Event, Key, Keyring, SecretString, decode};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = SecretString::from("at least 16 bytes, better random");
//! let key = Key::new("k1", &secret)?;
//! let datagram = Datagram {
//!     host: "web-01".into(),
//!     // On Linux, the content of /proc/sys/kernel/random/boot_id.
//!     boot: "8c1f2b0e-5d3a-4c8e-9f57-0a6d1e2b3c4d".into(),
//!     counter: 42,
//!     sent_at_ms: 1_790_000_000_123,
//!     event: Event::Heartbeat,
//!     interval: Some(Duration::from_secs(10)),
//!     metrics: vec![("cpu_monitor.cpu_percent".into(), 95.2)],
//!     signed: false,
//! };
//! let bytes = datagram.encode(Some(&key))?;
//! // Here a sender calls `UdpSocket::send_to` with these bytes.
//!
//! // The monitor's side.
//! let keys = Keyring::new([key])?;
//! let received = decode(&bytes, &keys)?;
//! assert!(received.signed);
//! assert_eq!(received.host, "web-01");
//! assert_eq!(received.metrics, datagram.metrics);
//! # Ok(())
//! # }
//! ```
//!
//! # What a monitor decides itself
//!
//! [`decode`] checks form and signature. Whether the host is known, and whether a
//! datagram is fresh or a replay, depends on what a monitor remembers;
//! [`Reject`] names these reasons, too, so that all refusals are counted alike.

mod datagram;
mod decode;
mod encode;
mod key;
mod key_file;
mod keyring;
pub mod limits;
pub mod name;
mod reason;
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
// Part of this crate's API: a key's secret.
pub use secrecy::SecretString;
