//! Tasks that a provider spawns: they run beside each other, by the test's clock,
//! and on a runtime of its own too.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use annunciator_sdk::{
    Delivery, Host, HttpRequest, OpenError, Outcome, OwnRuntime, Proof, Provider,
    testing::{FakeHost, Reply, Sample},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    /// What the channel spawns when it delivers.
    spawns: String,
}

/// A channel whose tasks are what its settings say.
struct Busy {
    config: Config,
    host: Host,
    runtime: Arc<OwnRuntime>,
}

const SECOND: Duration = Duration::from_secs(1);

impl Provider for Busy {
    const TYPE: &'static str = "busy";
    const SUMMARY: &'static str = "Has a lot to do.";
    const OWN_RUNTIME: bool = true;
    type Config = Config;

    async fn open(config: Config, host: Host) -> Result<Self, OpenError> {
        let runtime = Arc::new(OwnRuntime::of::<Self>());
        Ok(Self {
            config,
            host,
            runtime,
        })
    }

    async fn deliver(&self, _: &Delivery) -> Vec<Outcome> {
        let (host, runtime) = (self.host.clone(), Arc::clone(&self.runtime));
        let prove = |host: &Host, name: &str| drop(host.prove(name, Proof::Delivered));
        let spawned = match &*self.config.spawns {
            // Each waits for what the other does.
            "two" => {
                let (to_first, from_second) = tokio::sync::oneshot::channel::<()>();
                let (to_second, from_first) = tokio::sync::oneshot::channel::<()>();
                let first = host.clone();
                drop(self.host.spawn(async move {
                    first.sleep(SECOND).await;
                    let _ = to_second.send(());
                    drop(from_second.await);
                    prove(&first, "first");
                }));
                self.host.spawn(async move {
                    drop(from_first.await);
                    host.sleep(SECOND).await;
                    prove(&host, "second");
                    let _ = to_first.send(());
                })
            }
            "poll" => self.host.spawn(async move {
                loop {
                    host.sleep(5 * SECOND).await;
                    drop(host.http(HttpRequest::get("https://a.example/")).await);
                }
            }),
            // What could not be tested: a task that works on a runtime of its own.
            "elsewhere" => self.host.spawn(async move {
                let inner = host.clone();
                let worked = runtime.run(async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    inner.sleep(3600 * SECOND).await;
                    tokio::spawn(async { 7 }).await.unwrap_or_default()
                });
                if worked.await == Ok(7) {
                    prove(&host, "elsewhere");
                }
            }),
            "never" => self.host.spawn(std::future::pending()),
            _ => Ok(()),
        };
        match spawned {
            Ok(()) => vec![Outcome::delivered("all")],
            Err(error) => vec![error.outcome("all")],
        }
    }

    async fn close(&self) {
        self.runtime.close().await;
    }
}

async fn busy(spawns: &str) -> FakeHost {
    let host = FakeHost::new();
    let channel = host.open::<Busy>(&json!({ "spawns": spawns })).await;
    let channel = channel.unwrap_or_else(|error| panic!("{error}"));
    channel.deliver(&Sample::new("hello")).await;
    host
}

fn proven(host: &FakeHost) -> Vec<String> {
    host.proven().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn tasks_run_beside_each_other_and_the_time_passes_as_they_sleep() {
    let host = busy("two").await;
    host.drive().await;
    assert_eq!(host.slept(), Duration::ZERO);
    host.advance(SECOND);
    host.drive().await;
    assert_eq!(proven(&host), [""; 0]);
    host.run_tasks().await;
    assert_eq!(proven(&host), ["second", "first"]);
    assert_eq!(host.slept(), 2 * SECOND);
}

#[tokio::test]
async fn a_task_that_goes_on_for_ever_runs_for_a_time() {
    let host = busy("poll").await;
    host.answer_with(|_| Reply::status(200, ""));
    host.run_tasks_for(12 * SECOND).await;
    assert_eq!((host.requests().len(), host.slept()), (2, 12 * SECOND));
    host.run_tasks_for(3 * SECOND).await;
    assert_eq!((host.requests().len(), host.slept()), (3, 15 * SECOND));
    host.drop_tasks();
    host.run_tasks().await;
    assert_eq!(host.slept(), 15 * SECOND);
}

#[tokio::test]
async fn a_task_on_a_runtime_of_its_own_is_waited_for_and_sleeps_by_the_same_clock() {
    let host = busy("elsewhere").await;
    host.drive().await;
    assert_eq!((proven(&host), host.slept()), (Vec::new(), Duration::ZERO));
    host.run_tasks().await;
    assert_eq!(proven(&host), ["elsewhere"]);
    assert_eq!(host.slept(), 3600 * SECOND);
}

#[tokio::test]
async fn a_task_that_waits_for_what_never_comes_holds_nobody_up() {
    let host = busy("never").await;
    host.drive().await;
    host.run_tasks_for(SECOND).await;
    host.run_tasks().await;
    assert_eq!(host.slept(), SECOND);
}

/// A runtime whose provider is not of interest.
struct Lone;

impl Provider for Lone {
    const TYPE: &'static str = "lone";
    const SUMMARY: &'static str = "Is alone.";
    const OWN_RUNTIME: bool = true;
    type Config = Config;

    async fn open(_: Config, _: Host) -> Result<Self, OpenError> {
        Ok(Self)
    }

    async fn deliver(&self, _: &Delivery) -> Vec<Outcome> {
        Vec::new()
    }
}

#[tokio::test]
async fn what_is_spawned_runs_until_the_runtime_is_closed() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let runtime = OwnRuntime::of::<Lone>();
    let (sender, seen) = mpsc::channel();
    let dropped = Arc::new(AtomicUsize::new(0));
    let held = Dropped(Arc::clone(&dropped));
    let spawned = runtime.spawn(async move {
        let _held = held;
        let name = std::thread::current().name().map(str::to_owned);
        drop(sender.send(name));
        std::future::pending::<()>().await;
    });
    assert_eq!(spawned, Ok(()));
    let name = tokio::task::spawn_blocking(move || seen.recv());
    assert_eq!(name.await.ok(), Some(Ok(Some("lone".to_owned()))));
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    runtime.close().await;
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert!(runtime.spawn(async {}).is_err());
}
