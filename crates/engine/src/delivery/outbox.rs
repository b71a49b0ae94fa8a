//! Deliveries that outlive the process: accepted into the store first, then
//! tried until they end.
//!
//! `submit` records what is to be told; what can be tried at once is tried
//! without another look at the store. `courier` claims the rest, `claimed` takes
//! one claim through its stages, `waiting` holds those who want to know.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    channel::Held,
    claimed::Claimed,
    gate::kept_back,
    report::{ChannelReport, Report},
    waiting::{Place, Progress, Waiting},
};
use crate::{
    clock::Clock,
    event::Rendered,
    store::{Accepted, Begin, Claim, DeliveryId, Intake, Intent, Placed, State, Store, StoreError},
};

/// How long whoever notifies waits for the store, before people are told
/// without it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A claim holds for as long as an attempt may take, and this: recording what
/// came of it may have to wait for a disk.
const GRACE: Duration = Duration::from_secs(60);

/// Deliveries in a store.
pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) waiting: Arc<Waiting>,
    /// Something may be claimed.
    pub(super) wake: Notify,
    pub(super) deliveries: TaskTracker,
    /// Ends attempts, when the engine may not wait any longer.
    pub(super) abandon: CancellationToken,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// What is submitted.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) rendered: Rendered,
    pub(crate) channels: Vec<Held>,
    /// The same for the same intent.
    pub(crate) key: Option<String>,
}

/// A channel of a submission, with a place for an attempt if there is one.
struct Berth {
    channel: Held,
    permit: Option<OwnedSemaphorePermit>,
    /// The rule that keeps it back.
    kept_back: Option<String>,
}

impl Outbox {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        deliveries: TaskTracker,
        abandon: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            waiting: Arc::default(),
            wake: Notify::new(),
            deliveries,
            abandon,
        })
    }

    /// Has it look for what may be claimed.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Records a notification and begins to deliver it.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        submission: Submission,
    ) -> Result<Accepted, StoreError> {
        let Submission {
            rendered,
            channels,
            key,
        } = submission;
        let now_ms = self.clock.now_ms();
        let berths: Vec<Berth> = channels
            .into_iter()
            .map(|channel| Berth::find(channel, &rendered))
            .collect();
        let intents = berths.iter().map(|berth| berth.intent(now_ms)).collect();
        let content = rendered.to_content().unwrap_or_default();
        let content: Arc<str> = content.into();
        let message = &rendered.message;
        let incident = message.incident.to_string();
        let intake = Intake {
            notification: message.id.to_string(),
            key,
            host: message.host.to_string(),
            lane: incident.clone(),
            incident,
            kind: rendered.kind,
            severity: rendered.severity,
            accepted_ms: now_ms,
            content: Arc::clone(&content),
            intents,
        };
        let accepting = self.store.accept(intake);
        let accepted = self.abandon.run_until_cancelled(accepting).await;
        let accepted = accepted.unwrap_or(Err(StoreError::Closed))?;
        self.are_superseded(&accepted.superseded);
        if accepted.repeated {
            tracing::debug!(
                notification = accepted.notification,
                "was accepted before, and is not accepted again"
            );
            return Ok(accepted);
        }
        for (berth, placed) in berths.into_iter().zip(&accepted.deliveries) {
            let name = &berth.channel.config.name;
            self.waiting
                .number(&accepted.notification, name, placed.delivery);
            match (placed.state, berth.permit) {
                (State::InFlight, Some(permit)) => self.begin(Claimed {
                    claim: Claim {
                        delivery: placed.delivery,
                        fence: placed.fence,
                        attempts: 0,
                        left_behind: false,
                        again: 0,
                        targets: Vec::new(),
                        accepted_ms: now_ms,
                        expires_ms: berth.channel.expires_ms(now_ms),
                        step: 0,
                        content: Arc::clone(&content),
                    },
                    channel: berth.channel,
                    rendered: Some(rendered.clone()),
                    permit,
                }),
                (State::Pending, _) => {
                    berth.channel.behind.store(true, Ordering::Relaxed);
                    self.wake.notify_one();
                }
                _ => {
                    let rule = berth.kept_back.unwrap_or_default();
                    self.end_unsent(&accepted.notification, &berth.channel, placed, &rule);
                }
            }
        }
        Ok(accepted)
    }

    /// The same, and waits for what comes of it, up to a deadline.
    pub(crate) async fn tell(
        self: &Arc<Self>,
        submission: Submission,
        deadline: Duration,
    ) -> Result<Report, StoreError> {
        let id = submission.rendered.message.id.to_string();
        // Before anything can happen.
        let channels = submission.channels.iter();
        let mut places: Vec<Place> = channels
            .map(|held| self.waiting.wait_for(&id, held))
            .collect();
        let outbox = Arc::clone(self);
        // A task of its own: who stops waiting does not stop it halfway.
        let submitting = self
            .deliveries
            .spawn(async move { outbox.submit(submission).await });
        tokio::select! {
            submitted = submitting => drop(submitted.map_err(|_| StoreError::Closed)??),
            // It goes on, and may still be recorded: twice is better than never.
            () = self.clock.sleep(PATIENCE) => return Err(StoreError::Silent(PATIENCE)),
        }
        let all = join_all(places.iter_mut().map(Place::ended));
        tokio::select! {
            _ = all => {}
            () = self.clock.sleep(deadline) => {}
            () = self.abandon.cancelled() => {}
        }
        Ok(Report::new(places.iter().map(Place::report)))
    }

    /// Takes a claim through its stages, in a task of its own.
    pub(super) fn begin(self: &Arc<Self>, claimed: Claimed) {
        let outbox = Arc::clone(self);
        let task = async move { claimed.deliver(&outbox).await };
        drop(self.deliveries.spawn(task));
    }

    /// Tells everybody who wants to know.
    pub(super) fn are_superseded(&self, deliveries: &[DeliveryId]) {
        for delivery in deliveries {
            tracing::info!(%delivery, "what it tells of is over: nobody needs to be told any more");
        }
        self.waiting.superseded(deliveries);
    }

    /// Tells those who wait of a delivery that ended without an attempt.
    fn end_unsent(&self, notification: &str, channel: &Held, placed: &Placed, rule: &str) {
        let config = &channel.config;
        let mut report = ChannelReport::unsent(&config.name, config.channel_type(), placed.state);
        report.because(rule);
        let (state, channel) = (placed.state, config.name());
        tracing::info!(notification, channel, %state, rule, "is not sent");
        let progress = Progress {
            report: Some(report),
            ended: true,
        };
        self.waiting.tell(notification, &config.name, progress);
    }
}

impl Berth {
    /// What waits already comes first.
    fn find(channel: Held, rendered: &Rendered) -> Self {
        let kept_back = kept_back(rendered, &channel.config.options);
        let waits = kept_back.is_some() || channel.behind.load(Ordering::Relaxed);
        let permit = Arc::clone(&channel.slots).try_acquire_owned().ok();
        Self {
            permit: permit.filter(|_| !waits),
            kept_back,
            channel,
        }
    }

    fn intent(&self, now_ms: i64) -> Intent {
        Intent {
            channel: Arc::clone(&self.channel.config.name),
            expires_ms: self.channel.expires_ms(now_ms),
            begin: match (&self.kept_back, &self.permit) {
                (Some(rule), _) => Begin::Suppressed { rule: rule.clone() },
                (None, Some(_)) => Begin::Claimed {
                    lease_until_ms: self.channel.lease_until_ms(now_ms),
                },
                (None, None) => Begin::At(now_ms),
            },
            step: None,
            once: None,
        }
    }
}

impl Held {
    /// When it is too late for what is accepted now.
    fn expires_ms(&self, now_ms: i64) -> Option<i64> {
        Some(now_ms.saturating_add(milliseconds(self.config.options.ttl)))
    }

    /// Until when a claim of now holds.
    pub(super) fn lease_until_ms(&self, now_ms: i64) -> i64 {
        let longest = self.config.options.timeout + GRACE;
        now_ms.saturating_add(milliseconds(longest))
    }
}

/// As stores count.
pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
