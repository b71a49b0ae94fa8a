//! A host that offers nothing, so that only the boundary is measured.

use std::future::ready;

use annunciator_core::{
    code::{HostErrorKind, LogLevel, Proof},
    ffi::{
        FfiFuture, FutureExt as _, RErr, RNone, ROk, ROption, RResult, RStr, RString, RVec,
        TD_Opaque,
    },
    services::{
        HostBox, HostErrorV1, HostServices, HostServices_TO, HttpRequestV1, HttpResponseV1,
        LogRecordV1,
    },
};

struct NullHost;

/// The host, boxed.
pub(crate) fn null_host() -> HostBox {
    HostServices_TO::from_value(NullHost, TD_Opaque)
}

fn unsupported() -> HostErrorV1 {
    HostErrorV1 {
        kind: HostErrorKind::UNSUPPORTED,
        maybe_sent: false,
        detail: RString::new(),
    }
}

impl HostServices for NullHost {
    fn log_enabled(&self, _: LogLevel, _: RStr<'_>) -> bool {
        false
    }

    fn log(&self, _: LogRecordV1) {}

    fn now_ms(&self) -> i64 {
        0
    }

    fn sleep(&self, _: u64) -> FfiFuture<()> {
        ready(()).into_ffi()
    }

    fn http(&self, _: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>> {
        ready(RErr(unsupported())).into_ffi()
    }

    fn spawn(&self, _: FfiFuture<()>) -> RResult<(), HostErrorV1> {
        RErr(unsupported())
    }

    fn kv_get(&self, _: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>> {
        ready(ROk(RNone)).into_ffi()
    }

    fn kv_put(&self, _: RString, _: ROption<RVec<u8>>) -> FfiFuture<RResult<(), HostErrorV1>> {
        ready(RErr(unsupported())).into_ffi()
    }

    fn prove(&self, _: RStr<'_>, _: Proof) -> RResult<(), HostErrorV1> {
        RErr(unsupported())
    }
}
