//! Stand-ins of the remote services, for tests, the demo and benchmarks.
//!
//! Each stand-in listens on a port that the system chooses, is as strict as
//! the service that it stands for, keeps what it accepted, and can be told to
//! fail. Nothing that is shipped depends on this crate.

pub mod artefacts;
pub mod effort;
pub mod ensemble;
pub mod hasty;
pub mod http;
pub mod live;
pub mod mattermost;
pub mod pushover;
pub mod rig;
pub mod signal;
pub mod smtp;
pub mod stores;
pub mod suite;
