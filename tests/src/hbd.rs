//! Runs the real `hbd` as a user would.

use std::{
    ffi::OsStr,
    io,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// What a run of `hbd` answered.
#[derive(Debug)]
pub struct Run {
    /// The exit status; -1 when a signal ended it.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs `hbd`, which cargo has put where `executable` finds it, in an empty
/// environment but for `vars`.
///
/// # Errors
/// When it cannot be started.
pub fn run<S: AsRef<OsStr>>(
    executable: &PathBuf,
    vars: &[(&str, &str)],
    args: impl IntoIterator<Item = S>,
) -> io::Result<Run> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output: Output = Command::new(executable)
        .args(args)
        .env_clear()
        .env("PATH", path)
        .envs(vars.iter().copied())
        .stdin(Stdio::null())
        .output()?;
    Ok(Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
