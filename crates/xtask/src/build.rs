//! Builds for the commands: `hbd`, the plugins, the stand-ins.

use std::{env, io, process::Command};

/// The packages of the plugins.
pub(crate) const PLUGINS: [&str; 6] = [
    "annunciator-email",
    "annunciator-exec",
    "annunciator-mattermost",
    "annunciator-pushover",
    "annunciator-signal",
    "annunciator-webhook",
];

/// Builds everything that `hbd` needs to run with the stand-ins.
pub(crate) fn everything() -> io::Result<()> {
    packages(cargo("build"), &["hbd", "annunciator-testkit"])
}

/// Builds `hbd` and its plugins in release mode.
pub(crate) fn release() -> io::Result<()> {
    let mut build = cargo("build");
    build.arg("--release");
    packages(build, &["hbd"])
}

fn packages(mut command: Command, more: &[&str]) -> io::Result<()> {
    for package in PLUGINS.iter().chain(more) {
        command.args(["--package", package]);
    }
    succeed(command)
}

/// Returns a command of the cargo that runs this program.
pub(crate) fn cargo(command: &str) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo.arg(command);
    // `cargo run` sets these variables for this program. Build scripts watch some of them, and
    // would run again for every change between a cargo within a cargo and one from a shell:
    // ring's alone costs a build of half the workspace.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Runs a command to its end.
pub(crate) fn succeed(mut command: Command) -> io::Result<()> {
    if command.status()?.success() {
        return Ok(());
    }
    Err(io::Error::other("it failed; cargo says above why"))
}
