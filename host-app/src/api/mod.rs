//! The API of a running monitor: what it adds to that of the engine, and the client of both.
//!
//! It is served at the control socket (`monitor.control`), which only the user that the
//! monitor runs as, and root, may open.

mod client;
mod control;
mod routes;

pub use client::{Client, ClientError, host_path};
pub use control::{ControlError, start};
pub use routes::{MAX_LINES, MAX_SILENCE, SilenceBody, Silenced, StatusAnswer, Subject};
