//! Lets time pass, on a thread of its own: who is overdue is found here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{core::Core, trouble::Trouble, unless_it_breaks};

/// The longest pause between two looks at the clock: well below what counts
/// as a blind span.
const LONGEST: Duration = Duration::from_millis(250);
/// The shortest: what is due within it is judged together.
const SHORTEST: Duration = Duration::from_millis(10);
/// How often it is written who was heard. After a crash, what was heard since
/// is taken for unseen; while hosts are being looked at again it is written
/// with every look at the clock.
const CHECKPOINT: Duration = Duration::from_secs(2);

/// A thread that lets time pass.
#[derive(Debug)]
pub(super) struct Pulse {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Starts it. `beat` is called now and then while all threads live, for a watchdog.
    pub(super) fn start(
        core: Arc<Core>,
        beat: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("hbd-pulse".to_owned())
            .spawn(move || run(&core, &stopped, beat))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn run(core: &Core, stop: &AtomicBool, beat: impl Fn()) {
    let mut checkpoint = Instant::now();
    let mut trouble = Trouble::default();
    while !stop.load(Ordering::Relaxed) {
        let advanced = unless_it_breaks("judging hosts", || core.advance());
        let (next, looking_again) = advanced.unwrap_or_default();
        let next = next.unwrap_or(LONGEST);
        if advanced.is_some() {
            core.vitals().beat();
        }
        if looking_again || checkpoint.elapsed() >= CHECKPOINT {
            checkpoint = Instant::now();
            core.checkpoint();
            if core.vitals().trouble().is_none() {
                beat();
            }
            if let Some(text) = trouble.news(core.state_trouble(), Instant::now()) {
                core.tell_own_trouble(&text);
            }
        }
        thread::park_timeout(next.clamp(SHORTEST, LONGEST));
    }
    core.checkpoint();
}
