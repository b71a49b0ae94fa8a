//! The services that plugins call: one [`ChannelServices`] per channel.
//!
//! A plugin calls every method from any thread. A panic in this module would end the process, so
//! nothing here may panic.

mod http;
#[cfg(test)]
mod http_tests;
mod proven;

use std::{
    future::ready,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

use annunciator_core::{
    code::{HostErrorKind, LogLevel, Proof},
    ffi::{FfiFuture, FutureExt as _, RErr, ROk, ROption, RResult, RStr, RString, RVec, TD_Opaque},
    services::{
        HostBox, HostErrorV1, HostServices, HostServices_TO, HttpRequestV1, HttpResponseV1,
        LogRecordV1,
    },
};
use annunciator_store::{DeliveryId, Store, StoreError};
use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::field::display;

use crate::{
    alerts::ActiveAlerts,
    clock::Clock,
    line::printable,
    plugin::{Pool, Task},
};

pub(crate) use http::HttpClients;
pub(crate) use proven::Proven;

/// The maximum length of a key and the maximum size of a value that a provider may store, in bytes.
const MAX_KEY_LENGTH: usize = 512;
const MAX_VALUE_SIZE: usize = 64 * 1024;
/// The maximum number of background tasks of one channel: a provider may track each message that it
/// has sent.
const MAX_TASKS: usize = 256;

/// The state that all channels of an engine share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) http: Arc<HttpClients>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The store of small values of providers.
    pub(crate) store: Arc<dyn Store>,
    /// The channel to the task that records proofs.
    pub(crate) proofs: ProofSender,
    /// The active alerts of the engine.
    pub(crate) alerts: Arc<ActiveAlerts>,
}

/// Sends the proofs that providers report after their attempts.
pub(crate) type ProofSender = mpsc::Sender<Proven>;

/// The tasks that one channel's plugin has spawned. They are dropped with the channel.
#[derive(Default)]
pub(crate) struct ChannelTasks(Mutex<Option<Vec<Task<()>>>>);

impl ChannelTasks {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Vec::new()))))
    }

    /// Spawns a task of a channel's plugin.
    pub(crate) fn spawn(
        &self,
        pool: &Pool,
        channel: &Arc<str>,
        task: FfiFuture<()>,
    ) -> RResult<(), HostErrorV1> {
        let mut tasks = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(tasks) = tasks.as_mut() else {
            return RErr(error(HostErrorKind::CLOSING, "the channel is closing"));
        };
        tasks.retain(|task| !task.is_finished());
        if tasks.len() >= MAX_TASKS {
            let detail = format!("the channel has {MAX_TASKS} tasks already");
            return RErr(error(HostErrorKind::INVALID, detail));
        }
        let channel = Arc::clone(channel);
        tasks.push(pool.spawn(async move {
            if let Err(payload) = AssertUnwindSafe(task).catch_unwind().await {
                // A panic payload may panic again when it is dropped.
                std::mem::forget(payload);
                tracing::error!(%channel, "a background task of the plugin panicked");
            }
        }));
        ROk(())
    }

    /// Drops all tasks and accepts no more.
    pub(crate) fn end(&self) {
        let mut tasks = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let ended = tasks.take();
        drop(tasks);
        drop(ended);
    }
}

/// The services for one channel.
pub(crate) struct ChannelServices {
    channel: Arc<str>,
    shared: Shared,
    tasks: Arc<ChannelTasks>,
}

impl ChannelServices {
    /// Boxes the services of a channel for its plugin.
    pub(crate) fn boxed(channel: Arc<str>, shared: Shared, tasks: Arc<ChannelTasks>) -> HostBox {
        let services = Self {
            channel,
            shared,
            tasks,
        };
        HostServices_TO::from_value(services, TD_Opaque)
    }
}

fn error(kind: HostErrorKind, detail: impl Into<String>) -> HostErrorV1 {
    HostErrorV1 {
        kind,
        maybe_sent: false,
        detail: detail.into().into(),
    }
}

impl HostServices for ChannelServices {
    fn log_enabled(&self, level: LogLevel, _target: RStr<'_>) -> bool {
        match level {
            LogLevel::ERROR => tracing::enabled!(tracing::Level::ERROR),
            LogLevel::WARN => tracing::enabled!(tracing::Level::WARN),
            LogLevel::INFO => tracing::enabled!(tracing::Level::INFO),
            LogLevel::DEBUG => tracing::enabled!(tracing::Level::DEBUG),
            _ => tracing::enabled!(tracing::Level::TRACE),
        }
    }

    fn log(&self, record: LogRecordV1) {
        let fields = printable(&record.fields_json);
        let fields = (!fields.is_empty()).then(|| display(&fields));
        macro_rules! at {
            ($level:ident) => {
                tracing::event!(
                    tracing::Level::$level,
                    channel = %self.channel,
                    source = %printable(&record.target),
                    fields,
                    "{}",
                    printable(&record.message)
                )
            };
        }
        match record.level {
            LogLevel::ERROR => at!(ERROR),
            LogLevel::WARN => at!(WARN),
            LogLevel::INFO => at!(INFO),
            LogLevel::DEBUG => at!(DEBUG),
            _ => at!(TRACE),
        }
    }

    fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }

    fn sleep(&self, milliseconds: u64) -> FfiFuture<()> {
        // A timer needs the runtime, and this may be any thread of a plugin.
        let _runtime = self.shared.pool.runtime().enter();
        self.shared
            .clock
            .sleep(Duration::from_millis(milliseconds))
            .into_ffi()
    }

    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>> {
        // On the runtime, like its connections: the plugin's threads handle only the request and
        // the response.
        let http = Arc::clone(&self.shared.http);
        let runtime = self.shared.pool.runtime();
        let sending = runtime.spawn(async move { http.send(request).await });
        let answer = AbortOnDropHandle::new(sending);
        async move {
            let lost = |_| {
                let ended = error(HostErrorKind::INTERNAL, "the runtime has ended");
                Err(HostErrorV1 {
                    maybe_sent: true,
                    ..ended
                })
            };
            answer.await.unwrap_or_else(lost).into()
        }
        .into_ffi()
    }

    fn spawn(&self, task: FfiFuture<()>) -> RResult<(), HostErrorV1> {
        self.tasks.spawn(&self.shared.pool, &self.channel, task)
    }

    fn kv_get(&self, key: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>> {
        let stored = self
            .shared
            .store
            .kv_get(Arc::clone(&self.channel), key.into());
        async move {
            let value = stored.await.map_err(store_error)?;
            Ok(value.map(RVec::from).into())
        }
        .map(RResult::from)
        .into_ffi()
    }

    fn kv_put(
        &self,
        key: RString,
        value: ROption<RVec<u8>>,
    ) -> FfiFuture<RResult<(), HostErrorV1>> {
        let value = value.into_option().map(RVec::into_vec);
        if let Err(why) = bounded(&key, value.as_deref()) {
            return ready(RErr(error(HostErrorKind::INVALID, why))).into_ffi();
        }
        let channel = Arc::clone(&self.channel);
        let putting = self.shared.store.kv_put(channel, key.into(), value);
        putting
            .map(|stored| stored.map_err(store_error).into())
            .into_ffi()
    }

    fn prove(&self, reference: RStr<'_>, proof: Proof) -> RResult<(), HostErrorV1> {
        self.prove_by(reference, proof, RStr::from_str(""))
    }

    fn prove_by(
        &self,
        reference: RStr<'_>,
        proof: Proof,
        details_json: RStr<'_>,
    ) -> RResult<(), HostErrorV1> {
        let Ok(delivery) = reference.parse() else {
            let detail = "this is not the reference of a delivery";
            return RErr(error(HostErrorKind::INVALID, detail));
        };
        let proof = crate::event::code::proof(proof);
        let proven = Proven::new(DeliveryId(delivery), proof).with_details(&details_json);
        match self.shared.proofs.try_send(proven) {
            Ok(()) => ROk(()),
            Err(_) => RErr(error(
                HostErrorKind::CLOSING,
                "too many proofs wait, or the engine is closing",
            )),
        }
    }
}

/// Converts the store's error to that of plugins.
#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn store_error(why: StoreError) -> HostErrorV1 {
    error(HostErrorKind::INTERNAL, why.to_string())
}

/// Checks the limits of a key and a value. The error names the limit that was exceeded.
fn bounded(key: &str, value: Option<&[u8]>) -> Result<(), String> {
    if key.len() > MAX_KEY_LENGTH {
        return Err(format!("a key can have at most {MAX_KEY_LENGTH} bytes"));
    }
    if value.is_some_and(|value| value.len() > MAX_VALUE_SIZE) {
        return Err(format!("a value can have at most {MAX_VALUE_SIZE} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use annunciator_store::MemoryStore;

    fn host() -> (HostBox, mpsc::Receiver<Proven>) {
        let (proofs, proven) = mpsc::channel(1);
        let shared = Shared {
            pool: Pool::new(tokio::runtime::Handle::current()),
            http: Arc::default(),
            clock: Arc::new(SystemClock),
            store: Arc::new(MemoryStore::default()),
            proofs,
            alerts: Arc::new(ActiveAlerts::new(Arc::new(SystemClock))),
        };
        let host = ChannelServices::boxed("a".into(), shared, ChannelTasks::new());
        (host, proven)
    }

    #[tokio::test]
    async fn an_acknowledgement_has_its_author_with_it() {
        let (host, mut proven) = host();
        let details = r#"{"by": "anna", "note": "on it"}"#;
        let taken = host.prove_by("7".into(), Proof::ACKNOWLEDGED, details.into());
        assert_eq!(taken, ROk(()));
        let expected = Proven {
            by: Some("anna".into()),
            note: Some("on it".into()),
            ..Proven::new(DeliveryId(7), crate::event::Proof::Acknowledged)
        };
        assert_eq!(proven.recv().await, Some(expected));
        let refused = host.prove_by("x".into(), Proof::ACKNOWLEDGED, details.into());
        assert_eq!(refused.unwrap_err().kind, HostErrorKind::INVALID);
    }

    #[tokio::test]
    async fn a_plugin_may_sleep_on_a_thread_of_its_own() {
        let (host, _proven) = host();
        let sleeping = std::thread::spawn(move || host.sleep(1)).join().unwrap();
        sleeping.await;
    }
}
