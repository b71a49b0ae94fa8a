//! What a stand-in has seen, in order, and a bounded wait for more of it.

use std::time::Duration;

use tokio::sync::watch;

/// How long a wait for an entry lasts at most: generous, since a loaded
/// machine is no fault of the code under test.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// A list that grows, and tells those who wait for it.
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

    /// All entries so far.
    pub fn entries(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether nothing was seen yet.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Waits until there are at least `count` entries, and answers them all.
    ///
    /// # Errors
    /// [`NotSeen`] when a generous bound has passed.
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

/// A wait ended before enough was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSeen {
    /// What was waited for.
    pub wanted: usize,
    /// What was there at the end.
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
