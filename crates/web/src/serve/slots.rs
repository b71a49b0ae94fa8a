//! The connections that a server has room for.
//!
//! Where all are taken, a new connection takes the place of the one that has been idle longest:
//! whoever only holds connections open keeps nobody out, and whoever is being answered is left
//! alone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// How long a connection may take to end that has to make room: it only has to be woken.
const MAKING_ROOM: Duration = Duration::from_secs(1);

/// The connections that a server has room for. Clones are handles on the same ones.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<IdleConnections>>,
}

/// The idle connections, the one that has been idle longest first.
#[derive(Debug, Default)]
struct IdleConnections {
    by_turn: BTreeMap<u64, CancellationToken>,
    /// The turn of the connection that is idle next.
    next_turn: u64,
}

/// A connection's place. It is idle at first.
#[derive(Debug)]
pub(super) struct Slot {
    idle: Arc<Mutex<IdleConnections>>,
    /// The turn since which it is idle; none while it is busy.
    turn: Mutex<Option<u64>>,
    /// Ends it, to make room.
    ended: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            idle: Arc::default(),
        }
    }

    /// Waits for a place.
    pub(super) async fn wait(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(self.slot(permit))
    }

    /// Takes a place: a free one, or that of the connection that has been idle longest. Returns
    /// `None` if all are busy. `made_room` is called if a connection has to end.
    pub(super) async fn take(&self, made_room: impl FnOnce()) -> Option<Slot> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(self.slot(permit));
        }
        self.end_longest_idle().then(made_room)?;
        timeout(MAKING_ROOM, self.wait()).await.ok()?
    }

    /// Ends the connection that has been idle longest. Returns whether there was one.
    pub(super) fn end_longest_idle(&self) -> bool {
        let longest = { lock(&self.idle) }.by_turn.pop_first();
        longest.inspect(|(_, longest)| longest.cancel()).is_some()
    }

    fn slot(&self, permit: OwnedSemaphorePermit) -> Slot {
        let slot = Slot {
            idle: Arc::clone(&self.idle),
            turn: Mutex::default(),
            ended: CancellationToken::new(),
            _permit: permit,
        };
        slot.set_idle();
        slot
    }
}

impl Slot {
    /// Notes that the connection waits for what its client sends.
    pub(super) fn set_idle(&self) {
        let mut turn = lock(&self.turn);
        let mut idle = lock(&self.idle);
        if turn.is_none() && !self.ended.is_cancelled() {
            let next = idle.next_turn;
            idle.next_turn += 1;
            idle.by_turn.insert(next, self.ended.clone());
            *turn = Some(next);
        }
    }

    /// Notes that a request is being answered, until the returned value is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.leave_idle();
        Busy(Arc::clone(self))
    }

    fn leave_idle(&self) {
        if let Some(turn) = lock(&self.turn).take() {
            lock(&self.idle).by_turn.remove(&turn);
        }
    }

    /// Returns what ends the connection, to make room for another.
    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.leave_idle();
    }
}

/// Keeps a connection from being ended while a request is answered.
#[derive(Debug)]
pub(super) struct Busy(Arc<Slot>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set_idle();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place whose connection ends when it has to.
    fn connected(slot: Slot) -> Arc<Slot> {
        let slot = Arc::new(slot);
        let (ended, own) = (slot.ended(), Arc::clone(&slot));
        drop(tokio::spawn(async move {
            ended.cancelled().await;
            drop(own);
        }));
        slot
    }

    #[tokio::test]
    async fn the_connection_that_has_been_idle_longest_makes_room_and_a_busy_one_does_not() {
        let slots = Slots::new(3);
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(connected(slots.take(|| {}).await.unwrap()));
        }
        // The first is answered, and then has been idle for the shortest time.
        drop(open[0].busy());
        let _busy = open[1].busy();
        let ended = open[2].ended();
        drop(open.pop());
        let mut count = 0;
        let third = slots.take(|| count += 1).await.unwrap();
        assert!(ended.is_cancelled());
        assert!(!open[0].ended().is_cancelled() && !open[1].ended().is_cancelled());
        assert_eq!(count, 1);

        let third = Arc::new(third);
        let (_third, _first) = (third.busy(), open[0].busy());
        assert!(slots.take(|| count += 1).await.is_none());
        assert_eq!(count, 1);
    }
}
