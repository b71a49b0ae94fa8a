//! The exec channel: any program in any language takes the message.
//!
//! It is run without a shell, with the message as JSON on its standard input and
//! never in its arguments, in a clean environment and within limits. Its exit
//! status says what came of it, and JSON on its standard output what more there
//! is to say.

mod config;
mod message;
mod outcome;
mod provider;
mod said;

pub use config::Config;
pub use provider::Exec;

annunciator_sdk::export_channels!(Exec);
