//! The commands of `hbd`, as a user or a script types them: output, errors, exit
//! status.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod beside;
mod checked;
mod command_line;
mod deliveries;
mod example;
mod incidents;
mod init;
mod monitor_config;
mod plugins_lock;
mod route;
mod warned;
