//! The monitor as it is run: the real program with a configuration, real
//! datagrams, its control socket, its HTTP port, its signals and its log.
//!
//! `monitor` starts and asks it, `datagrams` speaks to it; every other file
//! is about one part of operating it.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod author;
mod commands;
mod datagrams;
mod disabled;
mod ending;
mod guide;
mod http;
mod intake;
mod isolation;
mod log;
mod messages;
mod monitor;
mod new_plugin;
mod reload;
mod restart;
mod socket;
mod state_file;
mod systemd;
