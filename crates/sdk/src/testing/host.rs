//! The scripted host.

use std::{
    collections::{BTreeMap, VecDeque},
    future::{poll_fn, ready},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use annunciator_core::{
    code::{self, HostErrorKind, LogLevel},
    ffi::{FfiFuture, FutureExt as _, RErr, ROk, ROption, RResult, RStr, RString, RVec, TD_Opaque},
    proofs::ProofDetails,
    services::{
        HostBox, HostErrorV1, HostServices, HostServices_TO, HttpHeaderV1, HttpRequestV1,
        HttpResponseV1, LogRecordV1,
    },
};

use super::tasks::{Clock, Task, is_driven};
use crate::{Acknowledgement, Proof, waiting};

/// A request as the host received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body as text; invalid UTF-8 is replaced.
    pub body: String,
}

impl Request {
    /// Returns the first header with a name, which is not case-sensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The host's reply to a request.
#[derive(Debug, Clone)]
pub struct Reply(RResult<HttpResponseV1, HostErrorV1>);

impl Reply {
    /// Creates a response with a status and a body.
    #[must_use]
    pub fn status(status: u16, body: &str) -> Self {
        Self(ROk(HttpResponseV1 {
            status,
            headers: RVec::new(),
            body: RVec::from(body.as_bytes()),
            truncated: false,
            extension_json: RString::new(),
        }))
    }

    /// Adds a header to a response.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let ROk(response) = &mut self.0 {
            response.headers.push(HttpHeaderV1 {
                name: name.into(),
                value: value.into(),
            });
        }
        self
    }

    /// Creates a failure of the host, without a response.
    #[must_use]
    pub fn failed(kind: HostErrorKind, maybe_sent: bool) -> Self {
        Self(RErr(HostErrorV1 {
            kind,
            maybe_sent,
            detail: kind.name().unwrap_or("unknown").into(),
        }))
    }
}

type Answer = Box<dyn FnMut(&Request) -> Reply + Send>;

#[derive(Default)]
struct ScriptedHost {
    replies: VecDeque<Reply>,
    answer: Option<Answer>,
    requests: Vec<Request>,
    logs: Vec<(LogLevel, String)>,
    proven: Vec<(String, Proof)>,
    acknowledged: Vec<(String, Acknowledgement)>,
    /// Whether it is a host of contract 1.0, which records no details of a proof.
    is_of_1_0: bool,
    stored: BTreeMap<String, Vec<u8>>,
    clock: Clock,
    tasks: Vec<Task>,
    /// The waker of whoever drives the tasks.
    driver: Option<Waker>,
}

/// A host for tests. Clones are handles on the same host.
#[derive(Clone, Default)]
pub struct FakeHost(Arc<Mutex<ScriptedHost>>);

impl FakeHost {
    /// Creates a host that answers every request with 404 until a reply is scripted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, ScriptedHost> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Queues a reply for the next request that has none yet.
    pub fn reply(&self, reply: Reply) -> &Self {
        self.state().replies.push_back(reply);
        self
    }

    /// Answers every request for which no reply is queued.
    pub fn answer_with(&self, answer: impl FnMut(&Request) -> Reply + Send + 'static) -> &Self {
        self.state().answer = Some(Box::new(answer));
        self
    }

    /// Returns the requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Returns the log so far; only a loaded plugin logs through the host.
    #[must_use]
    pub fn logs(&self) -> Vec<(LogLevel, String)> {
        self.state().logs.clone()
    }

    /// Returns the proof that arrived after attempts, by the references of the deliveries.
    #[must_use]
    pub fn proven(&self) -> Vec<(String, Proof)> {
        self.state().proven.clone()
    }

    /// Returns the acknowledgements that arrived with their details, by the references of the
    /// deliveries. They are among [`proven`](Self::proven), too.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<(String, Acknowledgement)> {
        self.state().acknowledged.clone()
    }

    /// Makes this host one of contract 1.0, which offers no more than `prove`.
    pub fn as_of_1_0(&self) -> &Self {
        self.state().is_of_1_0 = true;
        self
    }

    /// Returns the value that is stored under a key.
    #[must_use]
    pub fn stored(&self, key: &str) -> Option<Vec<u8>> {
        self.state().stored.get(key).cloned()
    }

    /// Returns the keys under which a value is stored.
    #[must_use]
    pub fn stored_keys(&self) -> Vec<String> {
        self.state().stored.keys().cloned().collect()
    }

    /// Returns how long providers have slept so far; the clock does not advance otherwise.
    #[must_use]
    pub fn slept(&self) -> Duration {
        self.state().clock.passed()
    }

    /// Advances the clock. Tasks whose sleep ends with that go on when they are driven.
    pub fn advance(&self, duration: Duration) {
        let woken = self.state().clock.advance(duration);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Drops the tasks that were spawned, as the end of a host program does.
    pub fn drop_tasks(&self) {
        let tasks = std::mem::take(&mut self.state().tasks);
        drop(tasks);
    }

    /// Runs the spawned tasks beside each other until each has ended or sleeps; the clock stands
    /// still. A task that waits for an [`OwnRuntime`](crate::OwnRuntime) is waited for, unless
    /// the runtime's future sleeps, too.
    pub async fn drive(&self) {
        poll_fn(|cx| self.poll_tasks(cx)).await;
    }

    /// Runs the tasks beside each other for a duration of this host's clock: when all sleep, the
    /// clock advances to the time at which the next one wakes up.
    pub async fn run_tasks_for(&self, duration: Duration) {
        let end = self.slept() + duration;
        loop {
            self.drive().await;
            let now = self.slept();
            let next = self.state().clock.next();
            match next.filter(|next| *next <= end) {
                Some(next) => self.advance(next.saturating_sub(now)),
                None => return self.advance(end.saturating_sub(now)),
            }
        }
    }

    /// Runs the tasks beside each other until all have ended, however long that takes by this
    /// host's clock. For tasks that never end, use [`run_tasks_for`](Self::run_tasks_for).
    pub async fn run_tasks(&self) {
        loop {
            self.drive().await;
            let now = self.slept();
            let left = self.state().tasks.len();
            let next = self.state().clock.next();
            match next.filter(|_| left > 0) {
                Some(next) => self.advance(next.saturating_sub(now)),
                // The remaining tasks wait for something that never comes.
                None => return,
            }
        }
    }

    /// Polls woken tasks until none is left.
    fn poll_tasks(&self, cx: &Context<'_>) -> Poll<()> {
        self.state().driver = Some(cx.waker().clone());
        loop {
            let tasks = std::mem::take(&mut self.state().tasks);
            let (mut moved, mut elsewhere) = (false, 0);
            for mut task in tasks {
                moved |= task.is_woken();
                // A task's panic is caught in the guard around it.
                if task.poll(cx.waker()).is_pending() {
                    elsewhere += usize::from(task.is_elsewhere());
                    self.state().tasks.push(task);
                }
            }
            let state = self.state();
            // New tasks have not been polled yet.
            let waiting = state.tasks.iter().any(Task::is_woken);
            if !moved && !waiting {
                let busy = elsewhere > state.clock.of_other_threads();
                return if busy { Poll::Pending } else { Poll::Ready(()) };
            }
        }
    }

    /// Returns a future that ends when the clock reaches a time.
    fn until(&self, at: Duration) -> impl Future<Output = ()> + Send + use<> {
        let host = self.clone();
        let mut timer = None;
        // Removes the timer from the clock when dropped.
        let dropped = Forget(self.clone(), None);
        async move {
            let mut dropped = dropped;
            poll_fn(|cx| {
                let mut state = host.state();
                if state.clock.passed() >= at {
                    return Poll::Ready(());
                }
                let id = state.clock.wait(timer, at, cx.waker());
                (timer, dropped.1) = (Some(id), Some(id));
                let driver = state.driver.clone();
                drop(state);
                // A driven task may wait for the one that sleeps now.
                if !is_driven() {
                    driver.into_iter().for_each(Waker::wake);
                }
                Poll::Pending
            })
            .await;
        }
    }

    pub(crate) fn services(&self) -> HostBox {
        HostServices_TO::from_value(self.clone(), TD_Opaque)
    }
}

/// Removes a timer for which nobody waits any more.
struct Forget(FakeHost, Option<u64>);

impl Drop for Forget {
    fn drop(&mut self) {
        if let Some(id) = self.1 {
            self.0.state().clock.forget(id);
        }
    }
}

impl HostServices for FakeHost {
    fn log_enabled(&self, _: LogLevel, _: RStr<'_>) -> bool {
        true
    }

    fn log(&self, record: LogRecordV1) {
        let text = format!("{} {}", record.message, record.fields_json);
        self.state().logs.push((record.level, text));
    }

    fn now_ms(&self) -> i64 {
        // 2026-01-02T03:04:05Z
        1_767_323_045_000 + i64::try_from(self.slept().as_millis()).unwrap_or(i64::MAX / 2)
    }

    fn sleep(&self, milliseconds: u64) -> FfiFuture<()> {
        let duration = Duration::from_millis(milliseconds);
        if waiting::by_clock() {
            return self.until(self.slept() + duration).into_ffi();
        }
        // A delivery has nobody to advance the clock, so that time passes at once.
        self.advance(duration);
        ready(()).into_ffi()
    }

    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>> {
        let request = Request {
            method: request.method.into(),
            url: request.url.into(),
            headers: request
                .headers
                .into_iter()
                .map(|header| (header.name.into(), header.value.into()))
                .collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        };
        let mut state = self.state();
        state.requests.push(request.clone());
        let reply = match state.replies.pop_front() {
            Some(reply) => reply,
            None => match &mut state.answer {
                Some(answer) => answer(&request),
                None => Reply::status(404, "nothing is scripted"),
            },
        };
        ready(reply.0).into_ffi()
    }

    fn spawn(&self, task: FfiFuture<()>) -> RResult<(), HostErrorV1> {
        let mut state = self.state();
        state.tasks.push(Task::new(task));
        let driver = state.driver.clone();
        drop(state);
        driver.into_iter().for_each(Waker::wake);
        ROk(())
    }

    fn kv_get(&self, key: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>> {
        let value = self.state().stored.get(key.as_str()).cloned();
        ready(ROk(value.map(RVec::from).into())).into_ffi()
    }

    fn kv_put(
        &self,
        key: RString,
        value: ROption<RVec<u8>>,
    ) -> FfiFuture<RResult<(), HostErrorV1>> {
        let mut state = self.state();
        match value.into_option() {
            Some(value) => state.stored.insert(key.into(), value.into_vec()),
            None => state.stored.remove(key.as_str()),
        };
        ready(ROk(())).into_ffi()
    }

    fn prove(&self, reference: RStr<'_>, proof: code::Proof) -> RResult<(), HostErrorV1> {
        let known = [Proof::Delivered, Proof::Acknowledged];
        let proof = known.into_iter().find(|known| known.code() == proof);
        let proven = proof.map(|proof| (reference.as_str().to_owned(), proof));
        self.state().proven.extend(proven);
        ROk(())
    }

    fn prove_by(
        &self,
        reference: RStr<'_>,
        proof: code::Proof,
        details_json: RStr<'_>,
    ) -> RResult<(), HostErrorV1> {
        if self.state().is_of_1_0 {
            return RErr(HostErrorV1 {
                kind: HostErrorKind::UNSUPPORTED,
                maybe_sent: false,
                detail: "a host of contract 1.0".into(),
            });
        }
        if proof == code::Proof::ACKNOWLEDGED
            && let Some(details) = ProofDetails::parse(&details_json)
        {
            let acknowledged = (reference.as_str().to_owned(), Acknowledgement::of(details));
            self.state().acknowledged.push(acknowledged);
        }
        self.prove(reference, proof)
    }
}
