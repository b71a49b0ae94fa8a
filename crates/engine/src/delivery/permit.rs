//! The permit for an attempt: bounds the concurrent attempts of a channel and the notifications
//! that wait for one, so that a remote that hangs cannot exhaust the memory.

use std::sync::atomic::Ordering;

use tokio::sync::SemaphorePermit;

use super::channel::Channel;

/// The maximum number of notifications that wait for a permit of one channel.
const MAX_WAITING: usize = 10_000;

/// The reason why no permit is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PermitError {
    Full,
    Closed,
}

impl PermitError {
    pub(super) fn sentence(self) -> String {
        match self {
            Self::Full => format!("{MAX_WAITING} notifications wait for this channel already"),
            Self::Closed => "the channel is closed".to_owned(),
        }
    }
}

/// Waits for one of the channel's permits.
///
/// # Errors
/// [`PermitError`] when too many notifications wait already, or the channel is closed.
pub(super) async fn acquire_permit(channel: &Channel) -> Result<SemaphorePermit<'_>, PermitError> {
    if let Ok(permit) = channel.attempt_permits.try_acquire() {
        return Ok(permit);
    }
    let waiting = WaitGuard(channel);
    if channel.waiting_for_permit.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
        return Err(PermitError::Full);
    }
    let permit = channel
        .attempt_permits
        .acquire()
        .await
        .map_err(|_| PermitError::Closed);
    drop(waiting);
    permit
}

/// Counts a waiting notification until it is dropped.
struct WaitGuard<'a>(&'a Channel);

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting_for_permit.fetch_sub(1, Ordering::Relaxed);
    }
}
