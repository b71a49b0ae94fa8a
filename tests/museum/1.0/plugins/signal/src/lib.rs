//! The signal channel: messages by signal-cli.
//!
//! signal-cli is either called as a program, the message on its standard
//! input, or reached as a running daemon by JSON-RPC over a unix socket, a
//! tcp port or http. Who got a message is read from the results by
//! recipient, never from an exit status alone.

mod call;
mod child;
mod cli;
mod config;
mod endpoint;
mod line;
mod message;
mod outcome;
mod provider;
mod reply;
mod target;

pub use config::Config;
pub use provider::Signal;

annunciator_sdk::export_channels!(Signal);
