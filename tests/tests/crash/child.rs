//! The process that is killed: an engine that is given as much as it takes.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annunciator::{
    Engine, Kind, Notification, NotifyError, Route,
    store::{SqliteStore, StoreError},
};
use annunciator_testkit::{hasty::Hasty, rig::Rig};

use crate::{
    disk::{Disk, Plan},
    log::{About, Listener},
    stories,
};

const FOLDER: &str = "ANNUNCIATOR_CRASH_FOLDER";
const PLUGINS: &str = "ANNUNCIATOR_CRASH_PLUGINS";
const ROUND: &str = "ANNUNCIATOR_CRASH_ROUND";
/// What the texts begin with. An engine that cannot write its store tells that
/// as well, in words of its own.
pub const MARK: &str = "text-";
/// Callers that submit at once.
const CALLERS: u64 = 4;
/// How long a caller leaves the engine alone after an answer, so that not all
/// of a round is what it could not deliver.
const CALL_INTERVAL: Duration = Duration::from_millis(4);

/// Starts the process, on a disk that fails where there is a plan for that.
pub fn start(rig: &Rig, round: &str, disk: &Disk, plan: Option<&Plan>) -> Child {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process
        .args(["--exact", "the_process_that_is_killed"])
        .env(FOLDER, rig.folder())
        .env(PLUGINS, rig.plugins())
        .env(ROUND, round)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(plan) = plan {
        disk.under(&mut process, plan, rig.folder());
    }
    process.spawn().unwrap()
}

/// The file that keeps deliveries.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("outbox.sqlite")
}

/// An engine over the file.
pub async fn engine(folder: &Path, plugins: &Path, store: SqliteStore) -> Engine {
    Engine::builder(folder.join("heartbeat.yaml"))
        .plugin_dir(plugins)
        .clock(Arc::new(Hasty::default()))
        .store(Arc::new(store))
        .start()
        .await
        .unwrap()
}

/// Does nothing unless it was started to be killed.
pub fn run_if_asked() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let plugins = std::env::var_os(PLUGINS).map(PathBuf::from).unwrap();
    let round = std::env::var(ROUND).unwrap();
    let listener = Listener::begin(&folder);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&folder).await;
        let caller = Caller {
            engine: engine(&folder, &plugins, store).await,
            number: Arc::default(),
            folder: folder.as_path().into(),
            round: round.as_str().into(),
        };
        let callers = (0..CALLERS).map(|number| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.submit_all(number == 0).await })
        });
        let mut callers: Vec<_> = callers.collect();
        let stories = caller.clone();
        callers.push(tokio::spawn(async move { stories.send_stories().await }));
        caller.send_all(&listener).await;
        for caller in callers {
            caller.await.unwrap();
        }
    });
}

/// A disk that fails may do so at once; whoever watches over a program starts
/// it again.
async fn open(folder: &Path) -> SqliteStore {
    loop {
        match SqliteStore::open(file(folder)) {
            Ok(store) => return store,
            // Nothing that is to be mended by hand: the disk does it next time.
            Err(StoreError::Unusable { .. }) => tokio::time::sleep(CALL_INTERVAL).await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Gives the engine as much as it takes.
#[derive(Clone)]
struct Caller {
    engine: Engine,
    number: Arc<AtomicU64>,
    folder: Arc<Path>,
    round: Arc<str>,
}

impl Caller {
    fn text(&self) -> String {
        self.text_with(MARK)
    }

    fn text_with(&self, mark: &str) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        format!("{mark}{}-{number}", self.round)
    }

    /// Submits; what is refused, since it cannot be recorded, is submitted again
    /// with its key.
    async fn submit_all(&self, in_order: bool) {
        loop {
            let text = self.text();
            // One caller's notifications belong together, and keep their order.
            let mut notification = Notification::new(text.as_str()).kind(Kind::Message);
            if in_order {
                notification = notification.incident(format!("lane-{}", self.round));
            }
            self.submit(notification, &text).await;
            About::Receipts.note(&self.folder, &text);
            tokio::time::sleep(CALL_INTERVAL).await;
        }
    }

    /// Submits problems, and their ends a short time after.
    async fn send_stories(&self) {
        loop {
            let problem = self.text_with(stories::MARK);
            let over = format!("{problem}{}", stories::OVER);
            for (text, kind) in [(&problem, Kind::Problem), (&over, Kind::Recovery)] {
                let notification = Notification::new(text.as_str()).kind(kind);
                self.submit(notification.incident(&*problem), text).await;
                tokio::time::sleep(CALL_INTERVAL).await;
            }
        }
    }

    /// Submits it with this key until it is taken.
    async fn submit(&self, notification: Notification, key: &str) {
        loop {
            let notification = notification.clone();
            let submitted = self.engine.submit(Route::Defaults, notification, Some(key));
            match submitted.await {
                Ok(receipt) => {
                    assert!(!receipt.repeated);
                    return;
                }
                Err(NotifyError::Store(StoreError::Unusable { .. })) => {
                    About::Refused.note(&self.folder, key);
                }
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(CALL_INTERVAL).await;
        }
    }

    /// Tells, one after the other, and waits for what comes of each.
    async fn send_all(&self, listener: &Listener) {
        loop {
            let text = self.text();
            listener.tells(&text);
            let report = self.engine.notify_default(text.as_str()).await.unwrap();
            // Without a record, it is told once: the answer says whether it was.
            if report.all_delivered() || !listener.sent_without_a_record(&text) {
                About::Receipts.note(&self.folder, &text);
            }
            tokio::time::sleep(CALL_INTERVAL).await;
        }
    }
}
