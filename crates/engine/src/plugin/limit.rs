//! Timeouts of calls into a plugin, also of calls that cannot be awaited.

use std::{sync::mpsc, thread, time::Duration};

/// The maximum time for a plugin to load, to describe itself or to check settings.
pub(crate) const LOAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum time for a provider to open.
pub(crate) const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum time for a provider to close.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs `f` on a thread of its own and waits for it up to the limit. After a timeout the thread is
/// abandoned, because it cannot be ended.
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
