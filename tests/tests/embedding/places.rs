//! Each call of an engine from each place: another runtime, none, one that is gone or
//! stands still, after the end, and twice.

use std::{path::Path, thread, time::Duration};

use annunciator::{
    Acknowledge, CheckStatus, Engine, EngineBuilder, Loaded, Misplaced, NotifyError, Report, Route,
    StartError,
};
use annunciator_testkit::rig::{Rig, worker};
use futures_util::{FutureExt as _, future::join_all};
use tokio::runtime::{Builder, Runtime};

const HERE: &str = "{type: steady}";
const APART: &str = "{type: steady, delivery: {isolation: process}}";

/// What each call is called, as [`every_call`] has them.
const CALLS: [&str; 11] = [
    "notify_host",
    "notify_default",
    "notify_channels",
    "notify_unrecorded",
    "notify_with",
    "submit",
    "check",
    "reload",
    "acknowledge",
    "withdraw_acknowledgement",
    "shutdown",
];

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Well,
    Misplaced(Misplaced),
    Closed,
    Other(String),
}

impl From<Result<Report, NotifyError>> for Answer {
    fn from(notified: Result<Report, NotifyError>) -> Self {
        match notified {
            Ok(report) if report.all_delivered() => Self::Well,
            Ok(report) => Self::Other(format!("{report:?}")),
            Err(error) => error.into(),
        }
    }
}

impl From<NotifyError> for Answer {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::Misplaced(misplaced) => Self::Misplaced(misplaced),
            NotifyError::Closed => Self::Closed,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<StartError> for Answer {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Misplaced(misplaced) => Self::Misplaced(misplaced),
            StartError::Closed => Self::Closed,
            other => Self::Other(other.to_string()),
        }
    }
}

/// Makes each call, all at once but for the last.
async fn every_call(engine: &Engine, loaded: Loaded) -> Vec<Answer> {
    let names = &["a"][..];
    let ad_hoc = "b: {type: steady}";
    let mut answers = join_all([
        async { engine.notify_host("web", "hello").await.into() }.boxed(),
        async { engine.notify_default("hello").await.into() }.boxed(),
        async { engine.notify_channels(names, "hello").await.into() }.boxed(),
        async { engine.notify_unrecorded(names, "hello").await.into() }.boxed(),
        async { engine.notify_with(ad_hoc, "hello").await.into() }.boxed(),
        async {
            let submitted = engine.submit(Route::Defaults, "hello", None).await;
            submitted.map_or_else(Answer::from, |_| Answer::Well)
        }
        .boxed(),
        async {
            match engine.check(&[]).await {
                Ok(checks) if checks.iter().all(|check| check.status == CheckStatus::Ok) => {
                    Answer::Well
                }
                Ok(checks) => Answer::Other(format!("{checks:?}")),
                Err(error) => error.into(),
            }
        }
        .boxed(),
        async {
            let reloaded = engine.reload(loaded).await;
            reloaded.map_or_else(Answer::from, |_| Answer::Well)
        }
        .boxed(),
        async {
            let taken = engine.acknowledge(Acknowledge::incident("web/cpu", "anna"));
            taken.await.map_or_else(Answer::from, |_| Answer::Well)
        }
        .boxed(),
        async {
            let withdrawn = engine.withdraw_acknowledgement("web/cpu");
            withdrawn.await.map_or_else(Answer::from, |_| Answer::Well)
        }
        .boxed(),
    ])
    .await;
    let drained = engine.shutdown(Duration::from_secs(10)).await;
    answers.push(match drained.refused {
        None if drained.abandoned == 0 => Answer::Well,
        None => Answer::Other(format!("{drained:?}")),
        Some(misplaced) => Answer::Misplaced(misplaced),
    });
    answers
}

fn builder(rig: &Rig, channel: &str) -> EngineBuilder {
    let yaml =
        format!("notification_channels:\n  a: {channel}\ndefault_notification_channels: [a]\n");
    rig.configured(&yaml).unwrap().worker(worker().unwrap())
}

fn rig() -> Rig {
    Rig::new(&["fixture-steady"]).unwrap()
}

/// An executor and nothing else.
fn bare() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn all(answer: impl Fn() -> Answer) -> Vec<Answer> {
    CALLS.iter().map(|_| answer()).collect()
}

/// The list above has each call that there is.
#[test]
fn each_call_of_an_engine_is_made_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let source = root.join("crates/engine/src");
    let mut found = Vec::new();
    let mut folders = vec![source];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let mut within = false;
            for line in text.lines() {
                within = line == "impl Engine {" || within && line != "}";
                let call = line.strip_prefix("    pub async fn ");
                if let Some(call) = call.filter(|_| within) {
                    found.push(call.split(['(', '<']).next().unwrap().to_owned());
                }
            }
        }
    }
    found.sort();
    let mut calls = CALLS;
    calls.sort_unstable();
    assert_eq!(found, calls);
}

#[test]
fn an_engine_without_a_runtime_is_not_started() {
    let rig = rig();
    for channel in [HERE, APART] {
        let builder = builder(&rig, channel);
        let started = builder.clone().start().now_or_never().unwrap();
        let error = started.unwrap_err();
        let none = Misplaced::NoRuntime;
        assert!(
            matches!(&error, StartError::Misplaced(why) if *why == none),
            "{error}"
        );
        // It loads without one.
        let loaded = builder.load().unwrap();
        let started = builder.start_with(loaded).now_or_never().unwrap();
        let error = started.unwrap_err();
        assert!(
            matches!(&error, StartError::Misplaced(why) if *why == none),
            "{error}"
        );
    }
}

#[test]
fn an_engine_in_a_runtime_without_timers_or_sockets_is_not_started() {
    let rig = rig();
    let runtimes = [
        bare(),
        Builder::new_current_thread().enable_io().build().unwrap(),
        Builder::new_multi_thread().enable_time().build().unwrap(),
    ];
    for runtime in runtimes {
        let started = runtime.block_on(builder(&rig, HERE).start());
        let error = started.unwrap_err();
        let is_bare = matches!(&error, StartError::Misplaced(Misplaced::BareRuntime));
        assert!(
            is_bare && error.to_string().contains("enable_all()"),
            "{error}"
        );
    }
}

#[test]
fn a_configuration_is_loaded_on_any_thread() {
    let rig = rig();
    let builder = builder(&rig, APART);
    builder.load().unwrap();
    // Against the rules, since it blocks; and no harm.
    Runtime::new()
        .unwrap()
        .block_on(async { builder.load().map(drop) })
        .unwrap();
    bare().block_on(async { builder.load().map(drop) }).unwrap();
}

#[test]
fn an_engine_is_called_from_any_runtime_and_thread() {
    let rig = rig();
    for channel in [HERE, APART] {
        let callers: [fn() -> Runtime; 3] = [
            || Runtime::new().unwrap(),
            || Builder::new_current_thread().enable_all().build().unwrap(),
            bare,
        ];
        for caller in callers {
            let builder = builder(&rig, channel);
            let home = Runtime::new().unwrap();
            let engine = home.block_on(builder.clone().start()).unwrap();
            let loaded = builder.load().unwrap();
            let calling = thread::spawn(move || caller().block_on(every_call(&engine, loaded)));
            assert_eq!(calling.join().unwrap(), all(|| Answer::Well), "{channel}");
        }
    }
}

#[test]
fn an_engine_whose_runtime_is_gone_says_so() {
    let rig = rig();
    for channel in [HERE, APART] {
        for flavour in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let mut flavour = flavour;
            let builder = builder(&rig, channel);
            let home = flavour.enable_all().build().unwrap();
            let engine = home.block_on(builder.clone().start()).unwrap();
            let loaded = builder.load().unwrap();
            drop(home);
            for caller in [bare(), Runtime::new().unwrap()] {
                let loaded = builder.load().unwrap();
                let answers = caller.block_on(every_call(&engine, loaded));
                let gone = || Answer::Misplaced(Misplaced::RuntimeGone);
                assert_eq!(answers, all(gone), "{channel}");
            }
            drop((engine, loaded));
        }
    }
}

#[test]
fn an_engine_whose_runtime_stands_still_says_so() {
    let rig = rig();
    let builder = builder(&rig, HERE);
    let home = Builder::new_current_thread().enable_all().build().unwrap();
    let engine = home.block_on(builder.clone().start()).unwrap();
    let loaded = builder.load().unwrap();
    let answers = Runtime::new()
        .unwrap()
        .block_on(every_call(&engine, loaded));
    assert_eq!(answers, all(|| Answer::Misplaced(Misplaced::RuntimeStands)));
    // It is not lost: driven again, it works.
    let loaded = builder.load().unwrap();
    let answers = home.block_on(every_call(&engine, loaded));
    assert_eq!(answers, all(|| Answer::Well));
}

#[test]
fn an_engine_that_is_shut_down_says_so() {
    let rig = rig();
    for channel in [HERE, APART] {
        let builder = builder(&rig, channel);
        let home = Runtime::new().unwrap();
        let engine = home.block_on(builder.clone().start()).unwrap();
        let both = home.block_on(async {
            let deadline = Duration::from_secs(10);
            tokio::join!(engine.shutdown(deadline), engine.shutdown(deadline))
        });
        assert_eq!((both.0.abandoned, both.1.abandoned), (0, 0));
        for _ in 0..2 {
            let loaded = builder.load().unwrap();
            let mut answers = home.block_on(every_call(&engine, loaded));
            // Once more does no harm.
            assert_eq!(answers.pop(), Some(Answer::Well));
            answers.push(Answer::Closed);
            assert_eq!(answers, all(|| Answer::Closed), "{channel}");
        }
    }
}

#[test]
fn an_engine_is_dropped_anywhere() {
    let rig = rig();
    for channel in [HERE, APART] {
        let start = |runtime: &Runtime| runtime.block_on(builder(&rig, channel).start()).unwrap();
        let home = Runtime::new().unwrap();
        // Within its runtime, on a thread of none, in another, and after its own.
        let engine = start(&home);
        home.block_on(async move { drop(engine) });
        drop(start(&home));
        let engine = start(&home);
        bare().block_on(async move { drop(engine) });
        let engine = start(&home);
        drop(home);
        drop(engine);
    }
}

#[tokio::test]
async fn two_engines_on_one_file_deliver_what_each_was_given() {
    let rig = rig();
    let (notes, store) = (rig.folder().join("notes"), rig.folder().join("store"));
    let channel = format!("{{type: steady, notes: '{}'}}", notes.display());
    let mut builder = builder(&rig, &channel);
    let path = store.clone();
    builder = builder.default_store(move |_| Some(path.clone()));
    let (one, other) = tokio::join!(builder.clone().start(), builder.start());
    let (one, other) = (one.unwrap(), other.unwrap());
    for engine in [&one, &other] {
        assert!(
            engine
                .notify_default("hello")
                .await
                .unwrap()
                .all_delivered()
        );
    }
    let _ = one.shutdown(Duration::from_secs(10)).await;
    assert!(other.notify_default("hello").await.unwrap().all_delivered());
    let _ = other.shutdown(Duration::from_secs(10)).await;
    let noted = std::fs::read_to_string(notes).unwrap();
    let delivered = noted.lines().filter(|line| line.starts_with("delivered"));
    assert_eq!(delivered.count(), 3, "{noted}");
}

#[tokio::test]
async fn an_engine_does_not_take_over_another_file() {
    let (rig, other) = (rig(), rig());
    let engine = builder(&rig, HERE).start().await.unwrap();
    let loaded = builder(&other, HERE).load().unwrap();
    let error = engine.reload(loaded).await.unwrap_err();
    assert!(matches!(error, StartError::OtherFile { .. }), "{error}");
    let says = format!("does not take over {}", other.file().display());
    assert!(error.to_string().contains(&says), "{error}");
    assert!(
        engine
            .notify_default("hello")
            .await
            .unwrap()
            .all_delivered()
    );
}
