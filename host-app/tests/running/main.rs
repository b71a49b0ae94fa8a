//! The monitor as it is run: the real program with a configuration, real
//! datagrams, its control socket, its HTTP port, its signals and its log; and the
//! program that sends it heartbeats.
//!
//! `monitor` starts and asks it, `datagrams` speaks to it; `sender` starts `hbc`
//! against a socket that stands in for the monitor; every other file is about one
//! part of operating them.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod ack;
mod acts;
mod alike;
mod author;
mod bad_input;
mod commands;
mod datagrams;
mod disabled;
mod ending;
mod guide;
mod hbc;
mod host_pages;
mod http;
mod ingest;
mod init;
mod intake;
mod isolation;
mod json;
mod log;
mod messages;
mod monitor;
mod new_plugin;
mod open_incidents;
mod pings;
mod proxy;
mod reload;
mod restart;
mod sender;
mod sendmail;
mod socket;
mod state_file;
mod systemd;
mod tls;
mod unkept;
mod web;
