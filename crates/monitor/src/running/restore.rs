//! Gets at what the last run left behind, and does not wait for ever: a disk
//! that hangs must not keep the monitor from watching.

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::timeline::{Reading, Timeline, kernel_boot};
use crate::store::{Location, StateStore, StoreError, StoredState};

/// So long is the state waited for: two thirds of what systemd gives a service
/// to start (`DefaultTimeoutStartSec=` is 90 s), and far more than the state of
/// 100,000 hosts takes.
pub(super) const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// What the last run left behind.
#[derive(Debug)]
pub(super) struct Restored {
    /// Where what happens now is written.
    pub(super) store: Result<StateStore, StoreError>,
    /// What is known; nothing where it cannot be had.
    pub(super) stored: StoredState,
    /// The timeline, which goes on from what is known.
    pub(super) timeline: Timeline,
}

impl Restored {
    fn from_memory(error: StoreError, now: Reading) -> Self {
        tracing::error!("{error}; the monitor goes on from memory");
        Self {
            store: Err(error),
            stored: StoredState::default(),
            timeline: Timeline::resume(None, kernel_boot(), now),
        }
    }
}

/// Opens the state, reads it, and deletes what it holds of hosts that are long
/// gone. The monitor goes on from memory where that cannot be done, or not
/// within `limit`.
pub(super) async fn open(
    state: &Location,
    configured: HashSet<Arc<str>>,
    now: Reading,
    limit: Duration,
) -> Restored {
    let restored = timeout(limit, read(state.clone(), configured, now)).await;
    let no_answer = || StoreError::Unusable {
        path: match state {
            Location::File(path) => path.clone(),
            Location::Memory => PathBuf::new(),
        },
        action: "opened",
        detail: "its disk does not answer".to_owned(),
    };
    // What is opened too late is closed again.
    let restored = restored.unwrap_or_else(|_| Err(no_answer()));
    restored.unwrap_or_else(|error| Restored::from_memory(error, now))
}

async fn read(
    location: Location,
    configured: HashSet<Arc<str>>,
    now: Reading,
) -> Result<Restored, StoreError> {
    // It opens files, which may take its time.
    let opened = spawn_blocking(move || StateStore::open(&location)).await;
    let store = opened.map_err(|_| annunciator::store::StoreError::Closed)??;
    let stored = store.load().await?;
    let timeline = Timeline::resume(stored.liveness.as_ref(), kernel_boot(), now);
    // That they stay for now is no harm.
    let forgotten = store.forget(configured, timeline.moment(now).tick).await;
    let _ = forgotten.inspect_err(|error| tracing::warn!("{error}"));
    Ok(Restored {
        store: Ok(store),
        stored,
        timeline,
    })
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[tokio::test]
    async fn a_disk_that_hangs_does_not_keep_the_monitor_from_its_watch() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        // Opening it for writing hangs for as long as nobody reads from it.
        let pipe = folder.path().join("state.sqlite.lock");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();

        let limit = Duration::from_millis(10);
        let state = Location::File(file);
        let restored = open(&state, HashSet::new(), Reading::now(), limit).await;

        let error = restored.store.unwrap_err().to_string();
        assert!(error.contains("its disk does not answer"), "{error}");
        // Lets the thread end.
        drop(std::fs::File::open(pipe).unwrap());
    }
}
