//! Programs that nobody here wrote: where they are, and what to do when one
//! is missing, which is a failure and never a skipped test.

use std::{
    env, io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// How long a condition is waited for, at most.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const PACE: Duration = Duration::from_millis(20);

/// Finds a program in PATH or where administrators' programs lie.
///
/// # Errors
/// When there is none; the text holds `install`, which says how to get it.
pub fn program(name: &str, install: &str) -> io::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let text = format!("this test needs `{name}`, which isn't installed: {install}");
            io::Error::new(io::ErrorKind::NotFound, text)
        })
}

/// A port on loopback that nobody listens on, for programs that can't be told
/// to choose one themselves.
///
/// # Errors
/// When the system has none left.
pub fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Waits until something is there, and gives up after a while.
///
/// # Errors
/// When it never came; the text holds `what`.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> io::Result<T> {
    let end = Instant::now() + WAIT_TIMEOUT;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > end {
            let text = format!("{what} never came");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(PACE);
    }
}
