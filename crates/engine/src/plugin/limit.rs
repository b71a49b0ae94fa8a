//! Timeouts of calls into a plugin, also of calls that cannot be awaited.

use std::{sync::mpsc, thread, time::Duration};

/// How long a plugin may take to load, to describe itself or to check settings.
pub(crate) const LOAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a provider may take to open.
pub(crate) const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a provider may take to close.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs `f` on a thread of its own and waits for it, but not for ever. On a
/// timeout the thread is abandoned: there is no way to end it.
pub(crate) fn limited<T: Send + 'static>(
    limit: Duration,
    f: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (send, receive) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("plugin-load".to_owned())
        .spawn(move || {
            let _ = send.send(f());
        })
        .ok()?;
    receive.recv_timeout(limit).ok()
}
