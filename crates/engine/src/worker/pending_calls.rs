//! The pending calls of a worker, which are shared with its connection: which caller waits for
//! which answer, and how to kill the worker.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
};
use tokio_util::sync::CancellationToken;

use super::{
    ending::Ending,
    frame::encode,
    message::{Answer, ToWorker},
};

/// The time that a cancelled call may continue before its worker is killed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// The state that calls share with the worker's connection.
pub(super) struct PendingCalls {
    outgoing: mpsc::Sender<Vec<u8>>,
    calls: Mutex<OpenCalls>,
    kill: CancellationToken,
    why: Mutex<Option<Ending>>,
    runtime: Handle,
}

#[derive(Default)]
struct OpenCalls {
    next: u64,
    open: HashMap<u64, CallWaiter>,
    is_over: bool,
}

/// The caller that waits for the end of a call.
enum CallWaiter {
    Caller(oneshot::Sender<Answer>),
    /// No caller: the call was cancelled and only has to end.
    Nobody,
}

impl PendingCalls {
    pub(super) fn new(outgoing: mpsc::Sender<Vec<u8>>) -> Self {
        Self {
            outgoing,
            calls: Mutex::default(),
            kill: CancellationToken::new(),
            why: Mutex::default(),
            runtime: Handle::current(),
        }
    }

    /// Sends a frame. Fails if the connection is closed.
    pub(super) async fn send(&self, frame: Vec<u8>) -> Result<(), mpsc::error::SendError<Vec<u8>>> {
        self.outgoing.send(frame).await
    }

    pub(super) fn is_over(&self) -> bool {
        self.calls().is_over
    }

    /// Ends all calls, because no answer will come. Their callers are notified when the returned
    /// value is dropped.
    pub(super) fn over(&self) -> impl Sized + use<> {
        let mut calls = self.calls();
        calls.is_over = true;
        std::mem::take(&mut calls.open)
    }

    /// Waits until the worker is to be killed.
    pub(super) async fn killed(&self) {
        self.kill.cancelled().await;
    }

    fn calls(&self) -> MutexGuard<'_, OpenCalls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a call. Returns `None` if the worker has ended.
    pub(super) fn begin(self: &Arc<Self>, caller: oneshot::Sender<Answer>) -> Option<OpenCall> {
        let mut calls = self.calls();
        if calls.is_over {
            return None;
        }
        calls.next += 1;
        let id = calls.next;
        calls.open.insert(id, CallWaiter::Caller(caller));
        Some(OpenCall {
            pending: Arc::clone(self),
            id,
        })
    }

    pub(super) fn answered(&self, id: u64, answer: Answer) {
        let waiting = self.calls().open.remove(&id);
        if let Some(CallWaiter::Caller(caller)) = waiting {
            // The caller may have just stopped waiting.
            let _ = caller.send(answer);
        }
    }

    /// Records the end of a cancelled call.
    pub(super) fn gone(&self, id: u64) {
        let mut calls = self.calls();
        if let Some(CallWaiter::Nobody) = calls.open.get(&id) {
            calls.open.remove(&id);
        }
    }

    pub(super) fn kill(&self, why: Ending) {
        let mut reason = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        reason.get_or_insert(why);
        self.kill.cancel();
    }

    pub(super) fn why(&self) -> Option<Ending> {
        let mut why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.take()
    }
}

/// A call under way. Dropping it without an answer cancels the call, and a worker that does not end
/// it in time is killed.
pub(super) struct OpenCall {
    pending: Arc<PendingCalls>,
    id: u64,
}

impl OpenCall {
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let mut calls = self.pending.calls();
        let Some(waiting) = calls.open.get_mut(&self.id) else {
            return;
        };
        *waiting = CallWaiter::Nobody;
        drop(calls);
        let cancel = encode(&ToWorker::Cancel { id: self.id }).unwrap_or_default();
        match self.pending.outgoing.try_send(cancel) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return self.pending.kill(Ending::stuck()),
            // The connection is closed already.
            Err(TrySendError::Closed(_)) => return,
        }
        let (pending, id) = (Arc::downgrade(&self.pending), self.id);
        drop(self.pending.runtime.spawn(async move {
            tokio::time::sleep(CANCEL_TIMEOUT).await;
            let pending = pending.upgrade();
            if let Some(pending) = pending.filter(|pending| pending.calls().open.contains_key(&id))
            {
                pending.kill(Ending::stuck());
            }
        }));
    }
}
