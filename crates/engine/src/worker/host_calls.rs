//! Carries out the calls that a plugin in a worker makes to its host.

use std::{collections::HashMap, future::ready, sync::Arc};

use annunciator_core::services::{HostBox, HostErrorV1};
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    ending::Ending,
    frame::encode,
    message::{HostAnswer, HostCall, ToWorker},
};

/// The maximum number of open calls of one worker: those of all deliveries and tasks that a channel
/// may have, and some more.
const MAX_OPEN_CALLS: usize = 1024;

/// The open calls of a worker to its host. They end when this is dropped.
pub(super) struct HostCalls {
    host: Option<Arc<HostBox>>,
    outgoing: mpsc::Sender<Vec<u8>>,
    open: HashMap<u64, AbortHandle>,
    answers: JoinSet<u64>,
}

impl HostCalls {
    pub(super) fn new(host: Option<Arc<HostBox>>, outgoing: mpsc::Sender<Vec<u8>>) -> Self {
        Self {
            host,
            outgoing,
            open: HashMap::new(),
            answers: JoinSet::new(),
        }
    }

    /// Forwards a log record to the host.
    pub(super) fn log(&self, record: annunciator_core::services::LogRecordV1) {
        if let Some(host) = &self.host {
            host.log(record);
        }
    }

    /// Starts a call. Its answer is sent when it is available.
    ///
    /// # Errors
    /// [`Ending`] with which the worker is killed: it has too many open calls, or no host.
    pub(super) fn ask(&mut self, id: u64, ask: HostCall) -> Result<(), Ending> {
        while let Some(ended) = self.answers.try_join_next() {
            if let Ok(id) = ended {
                self.open.remove(&id);
            }
        }
        if self.open.len() >= MAX_OPEN_CALLS {
            return Err(Ending::asked_too_much());
        }
        let Some(host) = &self.host else {
            // A worker that only describes its plugin has no host.
            return Err(Ending::confused());
        };
        let answer = answer(host, ask);
        let outgoing = self.outgoing.clone();
        let answering = self.answers.spawn(async move {
            let answer = answer.await;
            if let Ok(frame) = encode(&ToWorker::HostAnswer { id, answer }) {
                // The worker may be gone.
                let _ = outgoing.send(frame).await;
            }
            id
        });
        self.open.insert(id, answering);
        Ok(())
    }

    /// Cancels a call.
    pub(super) fn withdraw(&mut self, id: u64) {
        if let Some(answering) = self.open.remove(&id) {
            answering.abort();
        }
    }
}

/// Calls the host. Its futures belong to this process and do not panic.
fn answer(host: &Arc<HostBox>, ask: HostCall) -> BoxFuture<'static, HostAnswer> {
    match ask {
        HostCall::Now => ready(HostAnswer::Now(host.now_ms())).boxed(),
        HostCall::Sleep(milliseconds) => {
            host.sleep(milliseconds).map(|()| HostAnswer::Slept).boxed()
        }
        HostCall::Http(request) => host
            .http(request)
            .map(|answer| HostAnswer::Http(answer.into_result()))
            .boxed(),
        HostCall::KvGet(key) => host
            .kv_get(key)
            .map(|stored| HostAnswer::KvGot(stored.into_result()))
            .boxed(),
        HostCall::KvPut(key, value) => host
            .kv_put(key, value)
            .map(|stored| HostAnswer::KvPut(stored.into_result()))
            .boxed(),
        HostCall::Prove(reference, proof) => {
            let proven: Result<(), HostErrorV1> =
                host.prove(reference.as_rstr(), proof).into_result();
            ready(HostAnswer::Proven(proven)).boxed()
        }
        HostCall::ProveBy(reference, proof, details_json) => {
            let proven = host.prove_by(reference.as_rstr(), proof, details_json.as_rstr());
            ready(HostAnswer::Proven(proven.into_result())).boxed()
        }
    }
}
