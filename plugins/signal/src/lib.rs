//! The signal channel: sends Signal messages with signal-cli.
//!
//! signal-cli is either run as a program, with the message on its standard input, or called as a
//! running daemon by JSON-RPC over a unix socket, a TCP port or HTTP. Who got a message is read
//! from the results for each recipient, never from an exit status alone.

mod call;
mod child;
mod cli;
mod config;
mod endpoint;
mod events;
mod incoming;
mod java;
mod line;
mod message;
mod outcome;
mod provider;
mod refusal;
mod reply;
mod signs;
mod source;
mod target;
mod watch;

pub use config::Config;
pub use provider::Signal;

annunciator_sdk::export_channels!(Signal);
