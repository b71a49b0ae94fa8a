//! The commands, one file each. Each takes arguments and returns an exit status.

mod channel_problems;
mod channel_statistics;
pub(crate) mod channels;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod control;
pub(crate) mod deliveries;
pub(crate) mod hosts;
pub(crate) mod init;
mod lock;
mod new;
pub(crate) mod plugins;
mod preview;
pub(crate) mod retry;
pub(crate) mod route;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod send;
pub(crate) mod sendmail;
mod status;
pub(crate) mod test;
pub(crate) mod token;
mod validate;
