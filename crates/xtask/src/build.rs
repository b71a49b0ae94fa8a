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
    cargo_build(&[], &["hbd", "annunciator-testkit"])
}

/// Builds `hbd` and its plugins for use.
pub(crate) fn release() -> io::Result<()> {
    cargo_build(&["--release"], &["hbd"])
}

fn cargo_build(options: &[&str], packages: &[&str]) -> io::Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").args(options);
    for package in PLUGINS.iter().chain(packages) {
        command.args(["--package", package]);
    }
    // `cargo run` sets these for this program. Build scripts watch some of
    // them, and would run again for every change between a cargo in a cargo
    // and one from a shell: ring's alone costs a build of half the workspace.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    if command.status()?.success() {
        return Ok(());
    }
    Err(io::Error::other("the build failed; cargo says above why"))
}
