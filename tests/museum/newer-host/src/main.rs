//! A host of the next minor: loads one plugin and has it deliver.
//!
//! Says on standard output what it saw, a line each. The first argument is
//! the direction of the layout check, the second the plugin's file.

use std::{
    env,
    future::{Future, ready},
    pin::pin,
    process::ExitCode,
    task::{Context, Poll, Waker},
};

use annunciator_core::{
    code::{Kind, LogLevel, Proof, Severity},
    ffi::{
        FfiFuture, FutureExt as _, RArc, RNone, ROk, ROption, RResult, RStr, RString, RVec,
        TD_Opaque,
    },
    load::{LOADER_SYMBOL, LoaderHeader, root_module},
    message::{DeliveryV1, NotificationV1},
    module::OpenRequestV1,
    services::{
        HostErrorV1, HostServices, HostServices_TO, HttpRequestV1, HttpResponseV1, LogRecordV1,
    },
    version::{AbiVersion, Verdict},
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

struct Host;

impl HostServices for Host {
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
        std::future::pending().into_ffi()
    }
    fn spawn(&self, _: FfiFuture<()>) -> RResult<(), HostErrorV1> {
        ROk(())
    }
    fn kv_get(&self, _: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>> {
        ready(ROk(RNone)).into_ffi()
    }
    fn kv_put(&self, _: RString, _: ROption<RVec<u8>>) -> FfiFuture<RResult<(), HostErrorV1>> {
        ready(ROk(())).into_ffi()
    }
    fn prove(&self, _: RStr<'_>, _: Proof) -> RResult<(), HostErrorV1> {
        ROk(())
    }
    fn weather(&self) -> FfiFuture<RResult<RString, HostErrorV1>> {
        ready(ROk(RString::from("sunny"))).into_ffi()
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future should have been ready"),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    println!("host {}", AbiVersion::CURRENT);
    let verdict = if args[1] == "older" { Verdict::Older } else { Verdict::AsNewOrNewer };
    // SAFETY: the test names a plugin of its own.
    let library = unsafe { Library::open(Some(&args[2]), RTLD_NOW | RTLD_LOCAL) }.unwrap();
    // SAFETY: the contract says what the symbol holds.
    let header = unsafe { *library.get::<LoaderHeader>(LOADER_SYMBOL.as_bytes()).unwrap() };
    std::mem::forget(library);
    // SAFETY: read from that symbol, in a library that is never closed.
    let module = match unsafe { root_module(header, verdict) } {
        Ok(module) => module,
        Err(error) => {
            println!("refused: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("manifest {}", module.manifest_json()());
    println!("extra {:?}", module.extra().map(|extra| extra()));
    let provider = now(module.open()(OpenRequestV1 {
        channel_type: "steady".into(),
        channel: "museum".into(),
        settings_json: r#"{"text": "from the museum"}"#.into(),
        host: HostServices_TO::from_value(Host, TD_Opaque),
        extension_json: RString::new(),
    }));
    let provider = provider.into_result().unwrap();
    println!("receipt {}", provider.receipt());
    let result = now(provider.deliver(DeliveryV1 {
        notification: RArc::new(NotificationV1 {
            id: "1".into(),
            incident: RString::new(),
            host: "web".into(),
            title: RString::new(),
            body: "hello".into(),
            severity: Severity::PAGE,
            kind: Kind::MESSAGE,
            occurred_at_ms: 0,
            attributes: RVec::new(),
            extension_json: RString::new(),
        }),
        attempt: 1,
        timeout_ms: 1000,
        targets: RVec::new(),
        reference: RString::new(),
        extension_json: RString::new(),
    }));
    println!("delivered {} {}", result.outcomes[0].class.0, result.outcomes[0].remote_id);
    now(provider.close());
    ExitCode::SUCCESS
}
