//! A clock that stands still until the test lets it go on, to the next moment for
//! which somebody waits. It knows of those who wait for a plugin, since plugins
//! are on threads of their own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
    time::Duration,
};

use annunciator::{Clock, Sleep};
use tokio::sync::oneshot;

use crate::random::Random;

#[derive(Debug, Clone)]
pub struct Turned(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now_ms: i64,
    seed: u64,
    /// Who waits, by when and in the order in which they came.
    waiting: BTreeMap<(i64, u64), Waiting>,
    last: u64,
    /// Where everything is but plugins.
    home: ThreadId,
}

#[derive(Debug)]
struct Waiting {
    wake: oneshot::Sender<()>,
    in_plugin: bool,
}

impl Turned {
    pub fn new(now_ms: i64, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            now_ms,
            seed,
            waiting: BTreeMap::new(),
            last: 0,
            home: thread::current().id(),
        })))
    }

    /// Goes on to the next moment for which somebody waits, no later than this.
    /// Answers whether there was one.
    pub fn turn(&self, no_later_ms: i64) -> bool {
        let mut state = self.0.lock().unwrap();
        state.waiting.retain(|_, waiting| !waiting.wake.is_closed());
        let Some((&(at_ms, number), _)) = state.waiting.first_key_value() else {
            return false;
        };
        if at_ms > no_later_ms {
            return false;
        }
        state.now_ms = state.now_ms.max(at_ms);
        if let Some(waiting) = state.waiting.remove(&(at_ms, number)) {
            let _ = waiting.wake.send(());
        }
        true
    }

    /// How many attempts wait for their time.
    pub fn waiting_plugins(&self) -> usize {
        let state = self.0.lock().unwrap();
        let waiting = state.waiting.values();
        waiting
            .filter(|waiting| waiting.in_plugin && !waiting.wake.is_closed())
            .count()
    }

    pub fn set(&self, now_ms: i64) {
        self.0.lock().unwrap().now_ms = now_ms;
    }
}

impl Clock for Turned {
    fn now_ms(&self) -> i64 {
        self.0.lock().unwrap().now_ms
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut state = self.0.lock().unwrap();
        let (wake, woken) = oneshot::channel();
        let at_ms = state.now_ms + i64::try_from(duration.as_millis()).unwrap();
        state.last += 1;
        let number = state.last;
        let in_plugin = thread::current().id() != state.home;
        let waiting = Waiting { wake, in_plugin };
        state.waiting.insert((at_ms, number), waiting);
        Box::pin(async move {
            let _ = woken.await;
        })
    }

    fn chance(&self, of: u64) -> f64 {
        let seed = self.0.lock().unwrap().seed;
        Random::new(seed ^ of).below(1 << 32) as f64 / f64::from(u32::MAX)
    }
}
