//! The exec channel: runs a program, in any language, for each message.
//!
//! The program runs without a shell, in a clean environment and within limits. It reads the message
//! as JSON on its standard input; nothing of a message is ever in its arguments. Its exit status is
//! the outcome, and JSON on its standard output may say more.

mod config;
mod message;
mod outcome;
mod provider;
mod report;

pub use config::Config;
pub use provider::Exec;

annunciator_sdk::export_channels!(Exec);
