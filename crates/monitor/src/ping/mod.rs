//! Pings over HTTP: a job says that it has begun, ended or failed, by the addresses of
//! Healthchecks.
//!
//! `request` reads an address, and `keys` knows who may ping which host.

mod keys;
mod request;

pub use keys::{MIN_PING_KEY, PingKey, PingKeyError, PingKeys, PingRefusal};
pub use request::{MAX_PING_BODY, Ping, PingError, PingRequest, Signal};
