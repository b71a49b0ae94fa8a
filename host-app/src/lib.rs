//! The heartbeat monitor: machines send heartbeats and metrics, and people
//! learn what has happened.
//!
//! `hbd` is the monitor's command line and `hbc` its sender; both are thin
//! around this library.

pub mod config;
pub mod control;
pub mod http;
pub mod machine;
pub mod monitor;
pub mod planned;
pub mod report;
pub mod sender;
pub mod store;
pub mod tell;
pub mod thresholds;
pub mod unkept;
pub mod when;
