//! Builds what a command needs: `hbd`, the plugins, the stand-ins.

use std::{env, io, process::Command};

/// The packages of the four plugins.
pub(crate) const PLUGINS: [&str; 4] = [
    "annunciator-email",
    "annunciator-mattermost",
    "annunciator-pushover",
    "annunciator-signal",
];

/// Builds everything that `hbd` needs to run beside the stand-ins.
pub(crate) fn everything() -> io::Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build");
    for package in PLUGINS.iter().chain(&["hbd", "annunciator-testkit"]) {
        command.args(["--package", package]);
    }
    if command.status()?.success() {
        return Ok(());
    }
    Err(io::Error::other("the build failed; cargo says above why"))
}
