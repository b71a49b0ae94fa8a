//! First stage: a place for the attempt. Bounded, so that a channel whose
//! remote hangs cannot fill the memory.

use std::sync::atomic::Ordering;

use tokio::sync::SemaphorePermit;

use super::channel::Channel;

/// Notifications that may wait for one channel.
const MAX_WAITING: usize = 10_000;

/// Why there is no place.
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

/// Waits for one of the channel's places.
pub(super) async fn acquire_permit(channel: &Channel) -> Result<SemaphorePermit<'_>, PermitError> {
    if let Ok(permit) = channel.slots.try_acquire() {
        return Ok(permit);
    }
    let waiting = WaitGuard(channel);
    if channel.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
        return Err(PermitError::Full);
    }
    let permit = channel
        .slots
        .acquire()
        .await
        .map_err(|_| PermitError::Closed);
    drop(waiting);
    permit
}

/// Counts down however the wait ends.
struct WaitGuard<'a>(&'a Channel);

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
