//! The host's services for a plugin in a worker: a proxy that calls the program. Only the plugin's
//! tasks run here.

use std::sync::Arc;

use annunciator_core::{
    code::{HostErrorKind, LogLevel, Proof},
    ffi::{FfiFuture, FutureExt as _, ROption, RResult, RStr, RString, RVec, TD_Opaque},
    services::{
        HostBox, HostErrorV1, HostServices, HostServices_TO, HttpRequestV1, HttpResponseV1,
        LogRecordV1,
    },
};
use futures_util::FutureExt as _;

use super::{
    super::{
        frame::{MAX_FRAME_SIZE, TooLong},
        message::{HostAnswer, HostCall},
    },
    link::Link,
};
use crate::{plugin::Pool, services::ChannelTasks};

/// The proxy of the host of one channel.
pub(super) struct Remote {
    link: Arc<Link>,
    channel: Arc<str>,
    pool: Pool,
    tasks: Arc<ChannelTasks>,
}

impl Remote {
    pub(super) fn boxed(
        link: Arc<Link>,
        channel: &str,
        pool: Pool,
        tasks: Arc<ChannelTasks>,
    ) -> HostBox {
        let remote = Self {
            link,
            channel: channel.into(),
            pool,
            tasks,
        };
        HostServices_TO::from_value(remote, TD_Opaque)
    }

    /// Calls the program, and converts its answer.
    fn ask<T: Send + 'static>(
        &self,
        ask: HostCall,
        pick: fn(HostAnswer) -> Option<Result<T, HostErrorV1>>,
    ) -> FfiFuture<RResult<T, HostErrorV1>> {
        let asking = Arc::clone(&self.link).ask_later(ask);
        asking
            .map(move |answer| picked(answer, pick).into())
            .into_ffi()
    }

    /// Reports a proof to the program, and waits for its answer.
    fn prove_now(&self, ask: HostCall) -> RResult<(), HostErrorV1> {
        let answer = self.link.ask_now(ask);
        picked(answer, |answer| match answer {
            HostAnswer::Proven(proven) => Some(proven),
            _ => None,
        })
        .into()
    }
}

fn picked<T>(
    answer: Result<HostAnswer, TooLong>,
    pick: fn(HostAnswer) -> Option<Result<T, HostErrorV1>>,
) -> Result<T, HostErrorV1> {
    let answer = answer.map_err(|TooLong| {
        let detail = format!("this is more than {MAX_FRAME_SIZE} bytes");
        error(HostErrorKind::INVALID, detail)
    })?;
    pick(answer).unwrap_or_else(|| {
        let detail = "the host answered another request".to_owned();
        Err(error(HostErrorKind::INTERNAL, detail))
    })
}

fn error(kind: HostErrorKind, detail: String) -> HostErrorV1 {
    HostErrorV1 {
        kind,
        maybe_sent: false,
        detail: detail.into(),
    }
}

impl HostServices for Remote {
    fn log_enabled(&self, level: LogLevel, _target: RStr<'_>) -> bool {
        self.link.is_logged(level)
    }

    fn log(&self, record: LogRecordV1) {
        self.link.log(record);
    }

    fn now_ms(&self) -> i64 {
        match self.link.ask_now(HostCall::Now) {
            Ok(HostAnswer::Now(now_ms)) => now_ms,
            _ => 0,
        }
    }

    fn sleep(&self, milliseconds: u64) -> FfiFuture<()> {
        let sleeping = Arc::clone(&self.link).ask_later(HostCall::Sleep(milliseconds));
        sleeping.map(drop).into_ffi()
    }

    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>> {
        self.ask(HostCall::Http(request), |answer| match answer {
            HostAnswer::Http(answer) => Some(answer),
            _ => None,
        })
    }

    fn spawn(&self, task: FfiFuture<()>) -> RResult<(), HostErrorV1> {
        self.tasks.spawn(&self.pool, &self.channel, task)
    }

    fn kv_get(&self, key: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>> {
        self.ask(HostCall::KvGet(key), |answer| match answer {
            HostAnswer::KvGot(value) => Some(value),
            _ => None,
        })
    }

    fn kv_put(
        &self,
        key: RString,
        value: ROption<RVec<u8>>,
    ) -> FfiFuture<RResult<(), HostErrorV1>> {
        self.ask(HostCall::KvPut(key, value), |answer| match answer {
            HostAnswer::KvPut(put) => Some(put),
            _ => None,
        })
    }

    fn prove(&self, reference: RStr<'_>, proof: Proof) -> RResult<(), HostErrorV1> {
        self.prove_now(HostCall::Prove(reference.into(), proof))
    }

    fn prove_by(
        &self,
        reference: RStr<'_>,
        proof: Proof,
        details_json: RStr<'_>,
    ) -> RResult<(), HostErrorV1> {
        self.prove_now(HostCall::ProveBy(
            reference.into(),
            proof,
            details_json.into(),
        ))
    }
}
