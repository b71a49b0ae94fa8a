//! The process that is killed: an engine that is given as much as it takes.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annunciator::{Engine, Kind, Notification, Route, store::SqliteStore};
use annunciator_testkit::{hasty::Hasty, rig::Rig};

const FOLDER: &str = "ANNUNCIATOR_CRASH_FOLDER";
const PLUGINS: &str = "ANNUNCIATOR_CRASH_PLUGINS";
const ROUND: &str = "ANNUNCIATOR_CRASH_ROUND";
/// Callers that submit at once.
const CALLERS: u64 = 4;
/// How long a caller leaves the engine alone after an answer, so that not all
/// of a round is what it could not deliver.
const PAUSE: Duration = Duration::from_millis(4);

/// Starts the process.
pub fn start(rig: &Rig, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed"])
        .env(FOLDER, rig.folder())
        .env(PLUGINS, rig.plugins())
        .env(ROUND, round.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// An engine over the file; `clock_ms` is where its time begins.
pub async fn engine(folder: &Path, plugins: &Path) -> Engine {
    let store = SqliteStore::open(folder.join("outbox.sqlite")).unwrap();
    Engine::builder(folder.join("heartbeat.yaml"))
        .plugin_dir(plugins)
        .clock(Arc::new(Hasty::default()))
        .store(Arc::new(store))
        .start()
        .await
        .unwrap()
}

/// The file with what was accepted, a line each.
pub fn receipts(folder: &Path) -> PathBuf {
    folder.join("receipts")
}

/// Does nothing unless it was started to be killed.
pub fn run_if_asked() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let plugins = std::env::var_os(PLUGINS).map(PathBuf::from).unwrap();
    let round = std::env::var(ROUND).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = engine(&folder, &plugins).await;
        let number = Arc::new(AtomicU64::new(0));
        let callers = (0..CALLERS).map(|caller| {
            let (engine, number) = (engine.clone(), Arc::clone(&number));
            let (folder, round) = (folder.clone(), round.clone());
            tokio::spawn(async move { submit_all(&engine, &number, &folder, &round, caller).await })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
    });
}

async fn submit_all(engine: &Engine, number: &AtomicU64, folder: &Path, round: &str, caller: u64) {
    let mut receipts = OpenOptions::new()
        .append(true)
        .create(true)
        .open(receipts(folder))
        .unwrap();
    loop {
        let text = format!("r{round}-{}", number.fetch_add(1, Ordering::Relaxed));
        // One caller's notifications belong together, and keep their order.
        let mut notification = Notification::new(text.as_str()).kind(Kind::Message);
        if caller == 0 {
            notification = notification.incident(format!("lane-{round}"));
        }
        let submitted = engine.submit(Route::Defaults, notification, Some(&text));
        let receipt = submitted.await.unwrap();
        assert!(!receipt.repeated);
        // One write: a line is there whole, or not at all.
        receipts.write_all(format!("{text}\n").as_bytes()).unwrap();
        tokio::time::sleep(PAUSE).await;
    }
}
