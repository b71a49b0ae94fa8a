//! Hands tellings to the engine, and records what came of each.
//!
//! Each channel has a queue and a worker of its own, so that a dead one holds
//! up nobody else. What concerns one host is told in its order. That a
//! telling is about to be sent is written before it is sent, what came of it
//! afterwards: after a crash it is known which ones may have been sent, and
//! only those are told twice.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use annunciator::{ChannelReport, Class, Engine, NotifyError, Report};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::{
    ledger::Ledger,
    telling::{Telling, TellingState},
};
use crate::store::{Batch, Writer};

/// Tellings that one channel sends at a time.
const MOST_AT_ONCE: usize = 4;
/// Tellings that wait for one channel. A channel that is this far behind will
/// not catch up; further ones fail, and the record says why.
const MOST_WAITING: usize = 10_000;
/// What came of a telling is kept in at most as many bytes.
const LONGEST_DETAIL: usize = 2000;

/// How many tellings are in which state, since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// By the name of the state.
    pub by_state: BTreeMap<&'static str, u64>,
    /// Told again, since the monitor had died before the outcome was recorded.
    pub again: u64,
}

/// Tells.
#[derive(Debug, Clone)]
pub struct Teller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    runtime: Handle,
    ledger: Arc<Mutex<Ledger>>,
    store: Arc<Writer>,
    queues: Mutex<HashMap<Arc<str>, Queue>>,
    counts: Mutex<Counts>,
    /// No telling is begun any more.
    closed: watch::Sender<bool>,
    /// Tellings that are being sent.
    under_way: watch::Sender<usize>,
    /// Those under way are no longer waited for.
    given_up: AtomicBool,
}

#[derive(Debug)]
struct Queue {
    tellings: mpsc::UnboundedSender<Telling>,
    waiting: Arc<AtomicUsize>,
}

impl Teller {
    /// A teller that hands over to this engine and records in this store. Its
    /// workers run on the runtime that this is called in.
    #[must_use]
    pub fn new(engine: Engine, ledger: Arc<Mutex<Ledger>>, store: Arc<Writer>) -> Self {
        Self(Arc::new(Inner {
            engine,
            runtime: Handle::current(),
            ledger,
            store,
            queues: Mutex::default(),
            counts: Mutex::default(),
            closed: watch::Sender::new(false),
            under_way: watch::Sender::new(0),
            given_up: AtomicBool::new(false),
        }))
    }

    /// Takes over what was not settled when the monitor died. What was being
    /// sent then is told again, and counted.
    pub fn resume(&self, tellings: Vec<Telling>) {
        for mut telling in tellings {
            if telling.state == TellingState::InFlight {
                telling.state = TellingState::Pending;
                telling.again += 1;
                lock(&self.0.counts).again += 1;
                let (id, channel) = (telling.id, &telling.channel);
                tracing::warn!(
                    telling = id,
                    %channel,
                    "it is not known whether this was sent before the monitor ended: it is told again"
                );
            }
            self.tell(telling);
        }
    }

    /// Puts a telling into the queue of its channel.
    pub fn tell(&self, telling: Telling) {
        let mut queues = lock(&self.0.queues);
        let queue = queues
            .entry(Arc::clone(&telling.channel))
            .or_insert_with(|| {
                let (tellings, received) = mpsc::unbounded_channel();
                let waiting = Arc::<AtomicUsize>::default();
                self.0
                    .runtime
                    .spawn(work(Arc::clone(&self.0), received, Arc::clone(&waiting)));
                Queue { tellings, waiting }
            });
        if queue.waiting.load(Ordering::Relaxed) >= MOST_WAITING {
            let detail = format!("{MOST_WAITING} others wait for this channel already");
            self.0.settle(telling, TellingState::Failed, false, detail);
            return;
        }
        queue.waiting.fetch_add(1, Ordering::Relaxed);
        // The worker lives as long as this teller.
        let _ = queue.tellings.send(telling);
    }

    /// How many tellings came to which end.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = lock(&self.0.counts).clone();
        let queues = lock(&self.0.queues);
        let waiting: usize = queues
            .values()
            .map(|queue| queue.waiting.load(Ordering::Relaxed))
            .sum();
        let under_way = *self.0.under_way.borrow();
        let names = [TellingState::Pending.name(), TellingState::InFlight.name()];
        counts.by_state.insert(names[0], waiting as u64);
        counts.by_state.insert(names[1], under_way as u64);
        counts
    }

    /// Begins no telling any more and waits for those under way, until the
    /// deadline; answers how many are left. What waits is told after the next
    /// start.
    pub async fn drain(&self, deadline: Duration) -> usize {
        self.0.closed.send_replace(true);
        let mut under_way = self.0.under_way.subscribe();
        let _ = tokio::time::timeout(deadline, under_way.wait_for(|count| *count == 0)).await;
        self.0.given_up.store(true, Ordering::Relaxed);
        *self.0.under_way.borrow()
    }
}

/// The worker of one channel.
async fn work(
    inner: Arc<Inner>,
    mut received: mpsc::UnboundedReceiver<Telling>,
    count: Arc<AtomicUsize>,
) {
    let mut closed = inner.closed.subscribe();
    let mut waiting: VecDeque<Telling> = VecDeque::new();
    let mut sending = FuturesUnordered::new();
    let mut busy: HashSet<Arc<str>> = HashSet::new();
    loop {
        while sending.len() < MOST_AT_ONCE && !*closed.borrow() {
            let Some(telling) = next(&mut waiting, &busy, sending.is_empty()) else {
                break;
            };
            count.fetch_sub(1, Ordering::Relaxed);
            let host = telling.message.host.clone();
            busy.extend(host.clone());
            let inner = Arc::clone(&inner);
            sending.push(async move {
                inner.tell(telling).await;
                host
            });
        }
        tokio::select! {
            telling = received.recv() => match telling {
                Some(telling) => waiting.push_back(telling),
                None => break,
            },
            Some(host) = sending.next() => {
                host.map(|host| busy.remove(&host));
            }
            _ = closed.changed() => {}
        }
    }
}

/// The first that need not wait for another: what concerns one host keeps its
/// order, and what concerns many waits for all before it.
fn next(waiting: &mut VecDeque<Telling>, busy: &HashSet<Arc<str>>, idle: bool) -> Option<Telling> {
    let mut passed: HashSet<&Arc<str>> = HashSet::new();
    let mut place = None;
    for (i, telling) in waiting.iter().enumerate() {
        match &telling.message.host {
            Some(host) if busy.contains(host) || passed.contains(host) => {
                passed.insert(host);
            }
            Some(_) => {
                place = Some(i);
                break;
            }
            None => {
                place = (i == 0 && idle).then_some(i);
                break;
            }
        }
    }
    waiting.remove(place?)
}

impl Inner {
    async fn tell(&self, mut telling: Telling) {
        self.under_way.send_modify(|count| *count += 1);
        if lock(&self.ledger).makes_sense(&telling) {
            telling.state = TellingState::InFlight;
            let begun = Batch::default().tellings([telling.clone()]);
            // Also when it cannot be written: people come first.
            let _ = self.store.write_durably(begun).await;
            self.send(telling).await;
        } else {
            let detail = "this channel was never told of the problem".to_owned();
            self.settle(telling, TellingState::Superseded, false, detail);
        }
        self.under_way.send_modify(|count| *count -= 1);
    }

    async fn send(&self, telling: Telling) {
        let notification = telling.message.notification();
        let channel = Arc::clone(&telling.channel);
        let told = self.engine.notify_channels(&[&channel], notification).await;
        match told {
            Ok(report) => {
                let (state, reached, detail) = outcome(&report, &channel);
                if state != TellingState::Delivered && self.given_up.load(Ordering::Relaxed) {
                    // Cut off by this monitor's own end: the record goes on
                    // to say that it is being sent, so that it is told again.
                    return;
                }
                self.settle(telling, state, reached, detail);
            }
            // It was not begun, and is told after the next start.
            Err(NotifyError::Closed) => {
                let waits = Telling {
                    state: TellingState::Pending,
                    ..telling
                };
                self.store.write(Batch::default().tellings([waits]));
            }
            Err(error) => self.settle(telling, TellingState::Failed, false, error.to_string()),
        }
    }

    fn settle(&self, mut telling: Telling, state: TellingState, reached: bool, detail: String) {
        telling.state = state;
        telling.detail = detail;
        *lock(&self.counts).by_state.entry(state.name()).or_default() += 1;
        let changes = lock(&self.ledger).settle(&telling, reached);
        self.store
            .write(Batch::default().tellings([telling]).told(changes));
    }
}

/// What came of it, whether it reached anybody, and why not all.
fn outcome(report: &Report, channel: &str) -> (TellingState, bool, String) {
    let Some(report) = report.channels().get(channel) else {
        let detail = "the engine did not answer for this channel".to_owned();
        return (TellingState::Unknown, true, detail);
    };
    let any = |class: Class| report.targets.iter().any(|target| target.class == class);
    let reached = any(Class::Delivered) || any(Class::Unknown);
    let state = if report.delivered {
        TellingState::Delivered
    } else if any(Class::Unknown) {
        TellingState::Unknown
    } else {
        TellingState::Failed
    };
    (state, reached, detail(report))
}

fn detail(report: &ChannelReport) -> String {
    let failures: Vec<String> = report.failures().map(ToString::to_string).collect();
    let mut text = failures.join("; ");
    if text.len() > LONGEST_DETAIL {
        let end = (0..=LONGEST_DETAIL)
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is guarded is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
