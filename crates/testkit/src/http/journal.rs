//! The journal of what a stand-in has seen, in order, with a bounded wait for more.

use std::time::Duration;

use tokio::sync::watch;

/// The maximum time to wait for an entry: generous, since a slow machine is not a fault of the
/// code under test.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// A list that only grows, and wakes those who wait for it.
#[derive(Debug)]
pub struct Journal<T>(watch::Sender<Vec<T>>);

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl<T: Clone> Journal<T> {
    /// Appends an entry.
    pub fn record(&self, entry: T) {
        self.0.send_modify(|entries| entries.push(entry));
    }

    /// Changes entries in place, such as a message that people react to.
    pub fn change(&self, change: impl FnOnce(&mut [T])) {
        self.0.send_modify(|entries| change(entries.as_mut_slice()));
    }

    /// Returns all entries so far.
    pub fn entries(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Returns whether there is no entry yet.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Waits until there are at least `count` entries, and returns all of them.
    ///
    /// # Errors
    /// Fails with [`NotSeen`] after a generous time limit.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<T>, NotSeen> {
        let mut seen = self.0.subscribe();
        let enough = seen.wait_for(|entries| entries.len() >= count);
        match tokio::time::timeout(WAIT_TIMEOUT, enough).await {
            Ok(Ok(entries)) => Ok(entries.clone()),
            _ => Err(NotSeen {
                wanted: count,
                seen: self.len(),
            }),
        }
    }
}

/// The error of a wait that ended before enough entries were there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSeen {
    /// The number of entries that were waited for.
    pub wanted: usize,
    /// The number of entries at the end.
    pub seen: usize,
}

impl std::fmt::Display for NotSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { wanted, seen } = self;
        write!(
            f,
            "waited for {wanted} entries, saw {seen} in {WAIT_TIMEOUT:?}"
        )
    }
}

impl std::error::Error for NotSeen {}
