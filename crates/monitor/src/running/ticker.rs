//! Lets time pass, on a thread of its own: who is overdue is found here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{catch_panic, monitor::Monitor, state_alert::StateAlert};

/// The longest pause between two looks at the clock: well below what counts
/// as a blind span.
const MAX_TICK: Duration = Duration::from_millis(250);
/// The shortest: what is due within it is judged together.
const MIN_TICK: Duration = Duration::from_millis(10);
/// How often it is written who was heard. After a crash, what was heard since
/// is taken for unseen; while hosts are being looked at again it is written
/// with every look at the clock.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);

/// A thread that lets time pass.
#[derive(Debug)]
pub(super) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts it. `beat` is called now and then while all threads live, for a watchdog.
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
