//! The heartbeat monitor: machines send heartbeats and metrics, and people are notified of
//! what happens to them.
//!
//! `hbd` is the monitor's command line and `hbc` its sender; both are thin layers over this
//! library.

pub mod api;
pub mod duration;
pub mod http;
pub mod sender;
pub mod snippet;
