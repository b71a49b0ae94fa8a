//! Restores the state of the last run, within a time limit: a disk that hangs must not keep
//! the monitor from watching hosts.

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::timeline::{Reading, Timeline, kernel_boot};
use crate::store::{Location, StateStore, StoreError, StoredState};

/// How long the start waits for the state: two thirds of the 90 s that systemd gives a
/// service to start (`DefaultTimeoutStartSec=`), and far longer than it takes to read the
/// state of 100,000 hosts.
pub(super) const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// The restored state of the last run.
#[derive(Debug)]
pub(super) struct Restored {
    /// The store for what happens now.
    pub(super) store: Result<StateStore, StoreError>,
    /// The stored state; empty if it cannot be read.
    pub(super) stored: StoredState,
    /// The timeline, which continues from the stored state.
    pub(super) timeline: Timeline,
}

impl Restored {
    fn from_memory(error: StoreError, now: Reading) -> Self {
        tracing::error!("{error}; the monitor continues from memory");
        Self {
            store: Err(error),
            stored: StoredState::default(),
            timeline: Timeline::resume(None, kernel_boot(), now),
        }
    }
}

/// Opens and reads the state, and deletes hosts that are long gone. If this fails or takes
/// longer than `limit`, the monitor works from memory.
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
    // A store that opens too late is closed again when its answer is dropped.
    let restored = restored.unwrap_or_else(|_| Err(no_answer()));
    restored.unwrap_or_else(|error| Restored::from_memory(error, now))
}

async fn read(
    location: Location,
    configured: HashSet<Arc<str>>,
    now: Reading,
) -> Result<Restored, StoreError> {
    // Opening files may block.
    let opened = spawn_blocking(move || StateStore::open(&location)).await;
    let store = opened.map_err(|_| annunciator::store::StoreError::Closed)??;
    let stored = store.load().await?;
    let timeline = Timeline::resume(stored.liveness.as_ref(), kernel_boot(), now);
    // A failure is harmless: the rows stay until the next start.
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
        // A pipe: opening it for writing blocks as long as nobody reads from it.
        let pipe = folder.path().join("state.sqlite.lock");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();

        let limit = Duration::from_millis(10);
        let state = Location::File(file);
        let restored = open(&state, HashSet::new(), Reading::now(), limit).await;

        let error = restored.store.unwrap_err().to_string();
        assert!(error.contains("its disk does not answer"), "{error}");
        // Lets the blocked thread end.
        drop(std::fs::File::open(pipe).unwrap());
    }
}
