//! The heartbeat monitor: machines send heartbeats and metrics, and people
//! learn what has happened.
//!
//! `hbd` is the monitor's command line and `hbc` its sender; both are thin
//! around this library.

pub mod control;
pub mod http;
pub mod planned;
pub mod report;
pub mod sender;
pub mod unkept;
