//! What the boundary costs: one delivery through a plugin that does nothing,
//! loaded from its file and linked into this executable, both called as the
//! engine calls them and polled once.

use std::{
    error::Error,
    future::{Future, ready},
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Instant,
};

use annunciator_core::{
    code::{Fault, Kind, OutcomeClass, Proof, Severity},
    ffi::{FfiFuture, RArc, RString, RVec, lib_header_from_path},
    message::{DeliveryV1, NotificationV1},
    module::{OpenRequestV1, OpenResult, PluginModuleRef},
    outcome::{DeliveryResultV1, OutcomeV1},
    provider::ProviderBox,
};
use annunciator_sdk::export::parts::{Entry, open_with};
use annunciator_testkit::{artefacts, rig::Rig};
use fixture_steady::Steady;
use tokio::runtime;

use super::{
    Rows,
    null_host::null_host,
    sample::{alternate, nanoseconds_each, repeat},
    table::Row,
};

const RUNS: usize = 31;
const DISPATCHES: u32 = 50_000;
const NOTIFICATIONS: u32 = 20_000;
const MAX_RATIO: f64 = 1.5;
const MAX_NANOSECONDS: f64 = 1_000.0;

pub(crate) fn rows() -> Rows {
    let loaded = loaded()?;
    let linked = opened(open_with(&[Entry::of::<Steady>()], request()))?;
    let against_linked = alternate(RUNS, || dispatches(&loaded), || dispatches(&linked))?;
    let bare = Standalone;
    let against_bare = alternate(RUNS, || dispatches(&loaded), || dispatches(&bare))?;
    let met = against_linked.ratio.median() <= MAX_RATIO
        && against_linked.ours.median() < MAX_NANOSECONDS;
    let report_line = notifications()?;
    Ok(vec![
        Row::with_target(
            "one dispatch through a loaded plugin that does nothing",
            "at most 1.5, under 1000 ns",
            met,
        )
        .measured(format!("{:.0} ns", against_linked.ours))
        .compared(format!(
            "linked statically: {:.0} ns",
            against_linked.theirs
        ))
        .ratio(format!("{:.2}", against_linked.ratio)),
        Row::for_scale("the same, for scale")
            .measured(format!("{:.0} ns", against_bare.ours))
            .compared(format!(
                "a boxed future of a plain Rust trait, no guard: {:.0} ns",
                against_bare.theirs
            ))
            .ratio(format!("{:.2}", against_bare.ratio)),
        Row::for_scale("a whole `notify_host` with that plugin, one after the other")
            .measured(format!("{:.1} µs", report_line))
            .compared("the dispatch above is what the plugin has of it")
            .ratio(format!(
                "{:.0}",
                report_line.median() * 1_000.0 / against_linked.ours.median()
            )),
    ])
}

/// What both sides offer: the contract's own trait object, and a stand-in for
/// no boundary at all.
trait Dispatch {
    type Answer: Future<Output = DeliveryResultV1>;
    fn dispatch(&self, delivery: DeliveryV1) -> Self::Answer;
}

impl Dispatch for ProviderBox {
    type Answer = FfiFuture<DeliveryResultV1>;

    fn dispatch(&self, delivery: DeliveryV1) -> Self::Answer {
        self.deliver(delivery)
    }
}

/// Answers what [`Steady`] answers, without SDK, guard or stable layout.
struct Standalone;

impl Dispatch for Standalone {
    type Answer = Pin<Box<dyn Future<Output = DeliveryResultV1> + Send>>;

    fn dispatch(&self, delivery: DeliveryV1) -> Self::Answer {
        Box::pin(async move {
            black_box(&delivery);
            ready(()).await;
            DeliveryResultV1 {
                outcomes: RVec::from(vec![OutcomeV1 {
                    target: "steady".into(),
                    class: OutcomeClass::DELIVERED,
                    fault: Fault::NONE,
                    proof: Proof::ACCEPTED,
                    remote_id: "hello".into(),
                    code: RString::new(),
                    detail: RString::new(),
                    hint: RString::new(),
                    retry_after_ms: -1,
                    notes: RVec::new(),
                    extension_json: RString::new(),
                }]),
                extension_json: RString::new(),
            }
        })
    }
}

/// Nanoseconds for one dispatch, its message and answer made and dropped.
fn dispatches(provider: &impl Dispatch) -> Result<f64, Box<dyn Error>> {
    let notification = RArc::new(notification());
    let start = Instant::now();
    for _ in 0..DISPATCHES {
        let delivery = DeliveryV1 {
            notification: notification.clone(),
            attempt: 1,
            timeout_ms: 30_000,
            targets: RVec::new(),
            reference: RString::new(),
            extension_json: RString::new(),
        };
        let answer = now(provider.dispatch(black_box(delivery)))?;
        black_box(answer);
    }
    Ok(nanoseconds_each(DISPATCHES, start.elapsed()))
}

/// The answer of a future that has nothing to wait for.
fn now<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Error>> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Ok(answer),
        Poll::Pending => Err("the plugin did not answer at once".into()),
    }
}

fn notification() -> NotificationV1 {
    NotificationV1 {
        id: "0190f3c4-0000-7000-8000-000000000001".into(),
        incident: RString::new(),
        host: "prod-web-01".into(),
        title: RString::new(),
        body: "CPU at 95 %".into(),
        severity: Severity::WARNING,
        kind: Kind::MESSAGE,
        occurred_at_ms: 1_767_323_045_000,
        attributes: RVec::new(),
        extension_json: RString::new(),
    }
}

fn request() -> OpenRequestV1 {
    OpenRequestV1 {
        channel_type: "steady".into(),
        channel: "null".into(),
        settings_json: r#"{"text":"hello"}"#.into(),
        host: null_host(),
        extension_json: RString::new(),
    }
}

fn opened(opening: FfiFuture<OpenResult>) -> Result<ProviderBox, Box<dyn Error>> {
    let opened = now(opening)?.into_result();
    opened.map_err(|error| error.detail.to_string().into())
}

fn loaded() -> Result<ProviderBox, Box<dyn Error>> {
    // One plugin in one process: abi_stable's own loader will do.
    let header = lib_header_from_path(&artefacts::plugin("fixture-steady")?)?;
    let module = header.check_layout::<PluginModuleRef>()?;
    opened(module.open()(request()))
}

/// Microseconds for a whole notification: routing, a task, the hop to the
/// plugin's threads and back, the report.
fn notifications() -> Result<super::sample::Sample, Box<dyn Error>> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let rig = Rig::new(&["fixture-steady"])?;
    let yaml = "notification_channels: {null: {type: steady, text: hello}}\n\
                hosts: {prod-web-01: {notification_channels: [null]}}\n"
        .replace("null", "nobody");
    let engine = runtime.block_on(rig.start(&yaml))?;
    repeat(9, || {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..NOTIFICATIONS {
                black_box(engine.notify_host("prod-web-01", "CPU at 95 %").await?);
            }
            Ok(nanoseconds_each(NOTIFICATIONS, start.elapsed()) / 1_000.0)
        })
    })
}
