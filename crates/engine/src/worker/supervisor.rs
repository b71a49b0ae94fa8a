//! The supervisor of a channel's worker process: starts another worker when one ends, at once or,
//! if workers keep ending, after a backoff.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use annunciator_core::{
    message::DeliveryV1,
    outcome::{CheckResultV1, DeliveryResultV1, OpenErrorV1},
    services::HostBox,
};
use metrics::{SharedString, counter};
use tokio::{sync::watch, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{
    ending::Ending,
    live::Live,
    message::{Answer, Call, Opening},
    out_of_process::OutOfProcess,
    restart_backoff::RestartBackoff,
};
use crate::{
    alerts::{ActiveAlerts, ChannelProblem, Subject},
    clock::{Clock, milliseconds},
    plugin::{CLOSE_TIMEOUT, CLOSING, CallError, OPEN_TIMEOUT, Pool, not_opened},
};

/// The counter of workers that ended while their channel needed them.
pub(crate) const WORKERS_ENDED: &str = "annunciator_workers_ended_total";
/// The running time after which a worker is healthy, even if it was not called.
const HEALTHY_AFTER: Duration = Duration::from_secs(600);

/// The context of a provider: what it gets from its channel.
pub(crate) struct ProviderContext {
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where an alert is raised if workers keep crashing, or `None` for an ad-hoc channel.
    pub(crate) alerts: Option<Arc<ActiveAlerts>>,
    /// The channel's name in metrics.
    pub(crate) label: SharedString,
}

/// A channel's provider in supervised worker processes.
pub(crate) struct Supervisor {
    supervised: Arc<Supervised>,
    _supervising: AbortOnDropHandle<()>,
}

struct Supervised {
    plugin: OutOfProcess,
    opening: Opening,
    host: Arc<HostBox>,
    context: ProviderContext,
    state: watch::Sender<WorkerState>,
    crashes: Mutex<RestartBackoff>,
    /// Whether the alert that workers keep crashing may be active.
    may_be_alerted: AtomicBool,
}

#[derive(Clone)]
enum WorkerState {
    Running(Arc<Live>),
    Starting,
    BackingOff { until_ms: i64, ending: Ending },
    Closed,
}

impl Supervisor {
    /// Opens a provider in a worker.
    pub(crate) async fn open(
        (plugin, opening): (OutOfProcess, Opening),
        host: HostBox,
        context: ProviderContext,
    ) -> Result<Self, OpenErrorV1> {
        let supervised = Supervised {
            plugin,
            opening,
            host: Arc::new(host),
            context,
            state: watch::channel(WorkerState::Starting).0,
            crashes: Mutex::default(),
            // An alert may be active since before a reload.
            may_be_alerted: AtomicBool::new(true),
        };
        let live = supervised.start().await?;
        supervised
            .state
            .send_replace(WorkerState::Running(Arc::clone(&live)));
        let supervised = Arc::new(supervised);
        let supervising = tokio::spawn(Arc::clone(&supervised).supervise(live));
        Ok(Self {
            supervised,
            _supervising: AbortOnDropHandle::new(supervising),
        })
    }

    /// Returns the path of the plugin's file, for error messages.
    pub(crate) fn file(&self) -> &str {
        self.supervised.plugin.path()
    }

    pub(crate) async fn deliver(
        &self,
        delivery: DeliveryV1,
        limit: Duration,
    ) -> Result<DeliveryResultV1, CallError> {
        match self.call(Call::Deliver(delivery), limit).await? {
            (_, Answer::Delivered(result)) => Ok(result),
            (live, _) => Err(self.confused(&live)),
        }
    }

    pub(crate) async fn check(&self, limit: Duration) -> Result<CheckResultV1, CallError> {
        match self.call(Call::Check, limit).await? {
            (_, Answer::Checked(result)) => Ok(result),
            (live, _) => Err(self.confused(&live)),
        }
    }

    async fn call(&self, call: Call, limit: Duration) -> Result<(Arc<Live>, Answer), CallError> {
        // Another worker may be starting.
        let late = |_| Err(CallError::NotCalled(self.file().to_owned()));
        let live = timeout(limit, self.supervised.live()).await;
        let live = live.unwrap_or_else(late)?;
        let answer = live.call(call, limit).await?;
        self.supervised.works();
        Ok((live, answer))
    }

    /// Returns the error of an answer that does not match its call.
    fn confused(&self, live: &Live) -> CallError {
        live.kill(Ending::confused());
        CallError::Crashed {
            file: self.file().to_owned(),
            ending: Ending::confused().to_string(),
        }
    }

    /// Closes the provider and ends its worker.
    pub(crate) async fn close(&self) {
        let WorkerState::Running(live) = self.supervised.state.send_replace(WorkerState::Closed)
        else {
            return;
        };
        if let Err(why) = live.call(Call::Close, CLOSE_TIMEOUT).await {
            let channel = &self.supervised.opening.channel;
            tracing::warn!(channel, "{}", why.sentence(CLOSING));
        }
        live.kill(Ending::requested());
        live.ended().await;
    }
}

impl Supervised {
    /// Starts a worker and opens the provider in it.
    async fn start(&self) -> Result<Arc<Live>, OpenErrorV1> {
        let crashed = |ending: Ending| {
            not_opened(&CallError::Crashed {
                file: self.plugin.path().to_owned(),
                ending: ending.to_string(),
            })
        };
        let not_started = |ending: Ending| {
            not_opened(&CallError::NotStarted {
                file: self.plugin.path().to_owned(),
                ending: ending.to_string(),
            })
        };
        let host = Some(Arc::clone(&self.host));
        let channel = &self.opening.channel;
        let live = self.plugin.start(channel, host).await;
        let live = live.map_err(not_started)?;
        let opening = Call::Open(self.opening.clone());
        match live.call(opening, OPEN_TIMEOUT).await {
            Ok(Answer::Opened(opened)) => opened.map(|()| Arc::new(live)),
            Ok(Answer::NotLoaded(sentence)) => Err(OpenErrorV1 {
                detail: sentence.into(),
                ..crashed(Ending::confused())
            }),
            Ok(_) => Err(crashed(Ending::confused())),
            Err(why) => Err(not_opened(&why)),
        }
    }

    /// Returns the running worker, waiting for one that is being started.
    async fn live(&self) -> Result<Arc<Live>, CallError> {
        let file = || self.plugin.path().to_owned();
        let mut state = self.state.subscribe();
        // A worker that has ended is followed by another, or by a backoff.
        let settled = state.wait_for(|state| match state {
            WorkerState::Starting => false,
            WorkerState::Running(live) => !live.has_ended(),
            WorkerState::BackingOff { .. } | WorkerState::Closed => true,
        });
        match settled.await.map(|state| state.clone()) {
            Ok(WorkerState::Running(live)) => Ok(live),
            Ok(WorkerState::BackingOff { until_ms, ending }) => {
                let left_ms = until_ms - self.context.clock.steady_ms();
                Err(CallError::BackingOff {
                    file: file(),
                    ending: ending.to_string(),
                    left: Duration::from_millis(u64::try_from(left_ms).unwrap_or_default()),
                })
            }
            _ => Err(CallError::Closed(file())),
        }
    }

    /// Keeps a worker running until the channel is closed.
    async fn supervise(self: Arc<Self>, mut live: Arc<Live>) {
        loop {
            let mut ending = tokio::select! {
                ending = live.ended() => ending,
                () = self.context.clock.sleep(HEALTHY_AFTER), if self.may_be_alerted.load(Ordering::Relaxed) => {
                    self.works();
                    continue;
                }
            };
            live = loop {
                if self.is_closed() {
                    return;
                }
                self.rest(&ending).await;
                match self.start().await {
                    Ok(live) => break live,
                    Err(error) => ending = Ending::not_opened(&error.detail),
                }
            };
            let is_there = self.put(WorkerState::Running(Arc::clone(&live)));
            if !is_there {
                return;
            }
        }
    }

    /// Records the end of a worker, raises an alert if many have ended, and waits for the backoff.
    async fn rest(&self, ending: &Ending) {
        let channel = &self.opening.channel;
        let plugin = self.plugin.path();
        let ProviderContext {
            clock,
            label,
            alerts,
            ..
        } = &self.context;
        tracing::error!(channel, plugin, "the worker process {ending}");
        counter!(WORKERS_ENDED, "channel" => label.clone()).increment(1);
        let now_ms = clock.steady_ms();
        let rest = self.crashes().note(now_ms);
        let Some(rest) = rest else {
            self.put(WorkerState::Starting);
            return;
        };
        if let Some(alerts) = alerts {
            self.may_be_alerted.store(true, Ordering::Relaxed);
            let sentence = format!(
                "Channel {channel} delivers nothing for now: the worker process of plugin {plugin} {ending}, several times. It is started again in {}, and with a longer backoff each time if that goes on.",
                humantime::format_duration(rest)
            );
            alerts.raise(self.subject(), sentence);
        }
        let until_ms = now_ms.saturating_add(milliseconds(rest));
        let ending = ending.clone();
        if self.put(WorkerState::BackingOff { until_ms, ending }) {
            clock.sleep(rest).await;
            self.put(WorkerState::Starting);
        }
    }

    /// Clears the alert, because the worker is healthy.
    fn works(&self) {
        if self.may_be_alerted.swap(false, Ordering::Relaxed)
            && let Some(alerts) = &self.context.alerts
        {
            alerts.clear(&self.subject());
        }
    }

    fn crashes(&self) -> MutexGuard<'_, RestartBackoff> {
        self.crashes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subject(&self) -> Subject {
        Subject::Channel(
            self.opening.channel.as_str().into(),
            ChannelProblem::Crashes,
        )
    }

    fn is_closed(&self) -> bool {
        matches!(*self.state.borrow(), WorkerState::Closed)
    }

    /// Sets the state, unless the channel is closed.
    fn put(&self, new: WorkerState) -> bool {
        self.state.send_if_modified(|state| {
            if matches!(state, WorkerState::Closed) {
                return false;
            }
            *state = new;
            true
        })
    }
}
