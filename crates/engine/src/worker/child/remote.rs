//! The host as a plugin in a worker has it: whatever it asks, the program
//! answers; only its tasks run here.

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
        message::{Ask, Told},
    },
    link::Link,
};
use crate::{plugin::Pool, services::ChannelTasks};

/// The host of one channel.
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

    /// Asks, and picks the answer to that question.
    fn ask<T: Send + 'static>(
        &self,
        ask: Ask,
        pick: fn(Told) -> Option<Result<T, HostErrorV1>>,
    ) -> FfiFuture<RResult<T, HostErrorV1>> {
        let asking = Arc::clone(&self.link).ask_later(ask);
        asking.map(move |told| picked(told, pick).into()).into_ffi()
    }
}

fn picked<T>(
    told: Result<Told, TooLong>,
    pick: fn(Told) -> Option<Result<T, HostErrorV1>>,
) -> Result<T, HostErrorV1> {
    let told = told.map_err(|TooLong| {
        let detail = format!("this is more than {MAX_FRAME_SIZE} bytes");
        error(HostErrorKind::INVALID, detail)
    })?;
    pick(told).unwrap_or_else(|| {
        let detail = "the host answered another question".to_owned();
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
        self.link.keeps(level)
    }

    fn log(&self, record: LogRecordV1) {
        self.link.log(record);
    }

    fn now_ms(&self) -> i64 {
        match self.link.ask_now(Ask::Now) {
            Ok(Told::Now(now_ms)) => now_ms,
            _ => 0,
        }
    }

    fn sleep(&self, milliseconds: u64) -> FfiFuture<()> {
        let sleeping = Arc::clone(&self.link).ask_later(Ask::Sleep(milliseconds));
        sleeping.map(drop).into_ffi()
    }

    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>> {
        self.ask(Ask::Http(request), |told| match told {
            Told::Http(answer) => Some(answer),
            _ => None,
        })
    }

    fn spawn(&self, task: FfiFuture<()>) -> RResult<(), HostErrorV1> {
        self.tasks.spawn(&self.pool, &self.channel, task)
    }

    fn kv_get(&self, key: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>> {
        self.ask(Ask::KvGet(key), |told| match told {
            Told::KvGot(value) => Some(value),
            _ => None,
        })
    }

    fn kv_put(
        &self,
        key: RString,
        value: ROption<RVec<u8>>,
    ) -> FfiFuture<RResult<(), HostErrorV1>> {
        self.ask(Ask::KvPut(key, value), |told| match told {
            Told::KvPut(put) => Some(put),
            _ => None,
        })
    }

    fn prove(&self, reference: RStr<'_>, proof: Proof) -> RResult<(), HostErrorV1> {
        let told = self.link.ask_now(Ask::Prove(reference.into(), proof));
        picked(told, |told| match told {
            Told::Proven(proven) => Some(proven),
            _ => None,
        })
        .into()
    }
}
