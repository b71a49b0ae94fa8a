//! A host of contract 1.0: judges one plugin by its numbers, loads it and has it
//! deliver, with the code of 1.0 alone.
//!
//! The arguments are the plugin's file, its minor and the minor that it needs, as
//! its note has them, the channel type, the settings, and what every request is
//! answered. Says on standard output what it saw, a line each.

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
    version::{AbiVersion, Verdict, verdict},
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

struct Host {
    answer: String,
}

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
    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>> {
        println!("{} {}", request.method, request.url);
        let response = HttpResponseV1 {
            status: 200,
            headers: RVec::new(),
            body: RVec::from(self.answer.as_bytes()),
            truncated: false,
            extension_json: RString::new(),
        };
        ready(ROk(response)).into_ffi()
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
    let plugin = AbiVersion { major: 1, minor: args[2].parse().unwrap() };
    let verdict = verdict(AbiVersion::CURRENT, plugin, args[3].parse().unwrap());
    println!("verdict {verdict:?}");
    if matches!(verdict, Verdict::HostTooOld | Verdict::OtherMajor) {
        return ExitCode::FAILURE;
    }
    // SAFETY: the test names a plugin of its own.
    let library = unsafe { Library::open(Some(&args[1]), RTLD_NOW | RTLD_LOCAL) }.unwrap();
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
    let (name, settings) = (args[4].as_str(), args[5].as_str());
    let problems = module.validate()(name.into(), settings.into());
    println!("problems {}", problems.len());
    let host = Host { answer: args[6].clone() };
    let provider = now(module.open()(OpenRequestV1 {
        channel_type: name.into(),
        channel: "museum".into(),
        settings_json: settings.into(),
        host: HostServices_TO::from_value(host, TD_Opaque),
        extension_json: RString::new(),
    }));
    let provider = provider.into_result().unwrap();
    let result = now(provider.deliver(DeliveryV1 {
        notification: RArc::new(NotificationV1 {
            id: "1".into(),
            incident: RString::new(),
            host: "web".into(),
            title: RString::new(),
            body: "hello".into(),
            severity: Severity::CRITICAL,
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
    for outcome in &result.outcomes {
        println!("outcome {}", outcome.class.name().unwrap_or("unknown here"));
    }
    now(provider.close());
    ExitCode::SUCCESS
}
