//! The host of an examined plugin: it records what it is asked for, and answers by a script.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use annunciator_core::{
    code::{HostErrorKind, LogLevel, Proof},
    ffi::{FfiFuture, FutureExt as _, RErr, ROk, ROption, RResult, RStr, RString, RVec, TD_Opaque},
    services::{
        HostBox, HostErrorV1, HostServices, HostServices_TO, HttpHeaderV1, HttpRequestV1,
        HttpResponseV1, LogRecordV1,
    },
};
use futures_util::FutureExt as _;
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    answer::{Answer, Success},
    whose,
};

/// The delay of every answer, so that there is something to wait for.
const ANSWER_DELAY: Duration = Duration::from_millis(1);

/// The time limit of a request that names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);

/// The result of a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer(Answer),
    /// The answer of a remote that accepts the request.
    Success(Success),
    Error(HostErrorKind, bool),
    /// No answer until the request's time is up.
    Silence,
}

type Script = Box<dyn Fn(&HttpRequestV1) -> Reply + Send + Sync>;

/// A plugin's use of its host.
#[derive(Clone)]
pub(crate) struct Host(Arc<Inner>);

struct Inner {
    runtime: Handle,
    state: Mutex<State>,
}

struct State {
    script: Arc<Script>,
    requests: Vec<HttpRequestV1>,
    log: Vec<String>,
    kept: HashMap<String, Vec<u8>>,
    tasks: Vec<AbortHandle>,
}

impl Host {
    pub(crate) fn new(runtime: Handle) -> Self {
        let silence: Script = Box::new(|_| Reply::Silence);
        let state = State {
            script: Arc::new(silence),
            requests: Vec::new(),
            log: Vec::new(),
            kept: HashMap::new(),
            tasks: Vec::new(),
        };
        Self(Arc::new(Inner {
            runtime,
            state: Mutex::new(state),
        }))
    }

    /// Returns a handle for the plugin.
    pub(crate) fn boxed(&self) -> HostBox {
        HostServices_TO::from_value(self.clone(), TD_Opaque)
    }

    pub(crate) fn answers_by(
        &self,
        script: impl Fn(&HttpRequestV1) -> Reply + Send + Sync + 'static,
    ) {
        self.state().script = Arc::new(Box::new(script));
    }

    pub(crate) fn answers(&self, reply: Reply) {
        self.answers_by(move |_| reply.clone());
    }

    /// Returns the requests since the last call.
    pub(crate) fn take_requests(&self) -> Vec<HttpRequestV1> {
        std::mem::take(&mut self.state().requests)
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Ends the tasks, since the channel is closed.
    pub(crate) fn end_tasks(&self) {
        let tasks = std::mem::take(&mut self.state().tasks);
        tasks.iter().for_each(AbortHandle::abort);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn error(kind: HostErrorKind, maybe_sent: bool) -> HostErrorV1 {
    HostErrorV1 {
        kind,
        maybe_sent,
        detail: "as the examination has it".into(),
    }
}

fn response(answer: Answer) -> HttpResponseV1 {
    let header = |(name, value): (String, String)| HttpHeaderV1 {
        name: name.into(),
        value: value.into(),
    };
    HttpResponseV1 {
        status: answer.status,
        headers: answer.headers.into_iter().map(header).collect(),
        body: answer.body.into_bytes().into(),
        truncated: false,
        extension_json: RString::new(),
    }
}

impl HostServices for Host {
    fn log_enabled(&self, _: LogLevel, _: RStr<'_>) -> bool {
        true
    }

    fn log(&self, record: LogRecordV1) {
        let line = format!("{} {}", record.message, record.fields_json);
        self.state().log.push(line);
    }

    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, milliseconds: u64) -> FfiFuture<()> {
        let _runtime = self.0.runtime.enter();
        tokio::time::sleep(Duration::from_millis(milliseconds)).into_ffi()
    }

    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>> {
        let mut state = self.state();
        let script = Arc::clone(&state.script);
        state.requests.push(request.clone());
        drop(state);
        let reply = script(&request);
        let _runtime = self.0.runtime.enter();
        let moment = tokio::time::sleep(ANSWER_DELAY);
        match reply {
            Reply::Answer(answer) => moment.map(|()| ROk(response(answer))).into_ffi(),
            Reply::Success(success) => {
                let answer = success.to(&request);
                moment.map(|()| ROk(response(answer))).into_ffi()
            }
            Reply::Error(kind, maybe_sent) => moment
                .map(move |()| RErr(error(kind, maybe_sent)))
                .into_ffi(),
            Reply::Silence => {
                let limit = match request.timeout_ms {
                    0 => DEFAULT_TIMEOUT,
                    given => Duration::from_millis(given),
                };
                tokio::time::sleep(limit)
                    .map(|()| RErr(error(HostErrorKind::TIMEOUT, true)))
                    .into_ffi()
            }
        }
    }

    fn spawn(&self, task: FfiFuture<()>) -> RResult<(), HostErrorV1> {
        // A task belongs to the delivery that started it.
        let task = whose::Of::new(whose::polled(), task);
        let task = self.0.runtime.spawn(task);
        self.state().tasks.push(task.abort_handle());
        ROk(())
    }

    fn kv_get(&self, key: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>> {
        let value = self.state().kept.get(key.as_str()).cloned();
        ready(ROk(value.map(RVec::from).into())).into_ffi()
    }

    fn kv_put(
        &self,
        key: RString,
        value: ROption<RVec<u8>>,
    ) -> FfiFuture<RResult<(), HostErrorV1>> {
        let mut state = self.state();
        match value.into_option() {
            Some(value) => state.kept.insert(key.into(), value.into()),
            None => state.kept.remove(key.as_str()),
        };
        ready(ROk(())).into_ffi()
    }

    fn prove(&self, _: RStr<'_>, _: Proof) -> RResult<(), HostErrorV1> {
        ROk(())
    }

    fn prove_by(&self, _: RStr<'_>, _: Proof, _: RStr<'_>) -> RResult<(), HostErrorV1> {
        ROk(())
    }
}
