//! Advances time on a thread of its own, and so finds the hosts that are overdue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{catch_panic, monitor::Monitor, state_alert::StateAlert};

/// The maximum time between two steps: well below the length of a blind span.
const MAX_TICK: Duration = Duration::from_millis(250);
/// The minimum time between two steps; events that are due within it are handled together.
const MIN_TICK: Duration = Duration::from_millis(10);
/// How often checkpoints are written. Heartbeats since the last one are lost in a crash.
/// While hosts are being checked again after a blind span, every step writes a checkpoint.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);

/// The thread that advances time.
#[derive(Debug)]
pub(super) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts the thread. It calls `beat` every 2 s while all threads work, to feed a
    /// watchdog.
    pub(super) fn start(
        monitor: Arc<Monitor>,
        beat: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("monitor-tick".to_owned())
            .spawn(move || run(&monitor, &stopped, beat))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn run(monitor: &Monitor, stop: &AtomicBool, beat: impl Fn()) {
    let mut checkpoint = Instant::now();
    let mut alert = StateAlert::default();
    while !stop.load(Ordering::Relaxed) {
        let advanced = catch_panic("judging hosts", || monitor.advance());
        let (next, rechecking) = advanced.unwrap_or_default();
        let next = next.unwrap_or(MAX_TICK);
        if advanced.is_some() {
            monitor.liveness().beat();
        }
        if rechecking || checkpoint.elapsed() >= CHECKPOINT_INTERVAL {
            checkpoint = Instant::now();
            monitor.checkpoint();
            if monitor.liveness().problem().is_none() {
                beat();
            }
            if let Some(text) = alert.news(monitor.state_problem(), Instant::now()) {
                monitor.notify_own_problem(&text);
            }
        }
        thread::park_timeout(next.clamp(MIN_TICK, MAX_TICK));
    }
    monitor.checkpoint();
}
