//! How a command reaches a running monitor.

use std::path::PathBuf;

use clap::Args;

/// How to reach a running monitor.
#[derive(Debug, Args)]
pub(crate) struct Reach {
    /// Use this control socket [default: that of the configuration]
    #[arg(long, value_name = "PATH", env = "HBD_CONTROL")]
    pub(crate) control: Option<PathBuf>,
}
