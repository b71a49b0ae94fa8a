//! The API of a running monitor: what it adds to that of the engine, and the client of both.
//!
//! It is served at the control socket (`monitor.control`), which only the user that the
//! monitor runs as, and root, may open, and at `web.listen` to those who have a token.

mod client;
mod configuration_page;
mod control;
mod day_bar;
mod host_filter;
mod metric_table;
mod pages;
mod ping;
mod routes;
mod silence_pages;

pub use client::{Client, ClientError, host_path};
pub use control::{ControlError, at_address, at_socket, router};
pub use routes::{
    ExplainAnswer, MAX_LINES, MAX_SILENCE, SilenceBody, Silenced, StatusAnswer, Subject,
};
