//! The dispatcher: claims due deliveries from the store and spawns their attempts, as long as the
//! engine accepts notifications. It also expires deliveries that cannot be attempted, counts
//! deliveries, and prunes old records.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use annunciator_store::{ClaimRequest, Next, Prune, Settled, Settlement, State, StoreError};
use tokio::task::JoinHandle;

use super::{
    attempt::{AttemptTask, EXPIRED_REASON, Probe},
    channel::ChannelGuard,
    circuit_breaker::Permit,
    metrics::set_stored_deliveries,
    outbox::Outbox,
};
use crate::{clock::milliseconds, config::Retention};

/// The interval at which a shared store is polled, because other processes may add deliveries.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The interval at which an unshared store is polled. This process knows when each delivery is due,
/// but clocks may be set.
const UNSHARED_POLL_INTERVAL: Duration = Duration::from_secs(60);
/// The interval at which deliveries are counted. Counting reads all of them.
const COUNT_INTERVAL: Duration = Duration::from_secs(60);
/// The interval at which old records are deleted.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);
/// The maximum number of notifications that one transaction deletes, so that it does not delay
/// others.
const MAX_PRUNED: u32 = 500;
/// The maximum number of deliveries of a channel that are expired at a time.
const MAX_EXPIRED: u32 = 500;
/// The delay before a store that has failed is used again.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// The part of the current configuration that deliveries depend on. The engine implements it and
/// may replace the configuration at any time: each call returns the state at that moment.
pub(crate) trait CurrentConfig: Send + Sync + 'static {
    /// Returns the open channel with this name, or `None` if the configuration has no such channel.
    /// Such a channel belongs to another engine or to a later configuration.
    fn channel(&self, name: &str) -> Option<ChannelGuard>;

    /// Returns how long the records of ended deliveries are kept.
    fn retention(&self) -> Retention;
}

/// Runs until the engine accepts no more notifications or is dropped.
pub(crate) async fn run<E: CurrentConfig>(engine: Weak<E>, outbox: Weak<Outbox>) {
    let mut has_failed = false;
    let (mut prune_at_ms, mut count_at_ms) = (i64::MIN, i64::MIN);
    // When the next delivery expires on a channel to which nothing is dispatched.
    let mut expiry_ms = i64::MIN;
    let mut counting: Option<JoinHandle<()>> = None;
    loop {
        let (Some(engine), Some(outbox)) = (engine.upgrade(), outbox.upgrade()) else {
            return;
        };
        if outbox.deliveries.is_closed() {
            return;
        }
        let (now_ms, steady_ms) = (outbox.clock.now_ms(), outbox.clock.steady_ms());
        outbox.wakeup.begin_round();
        let round = async {
            let mut next = outbox.dispatch(&*engine, now_ms).await?;
            let is_time_to_count = steady_ms >= count_at_ms;
            if is_time_to_count {
                count_at_ms = steady_ms.saturating_add(milliseconds(COUNT_INTERVAL));
                // Counts run one after the other, however long each takes.
                if counting.as_ref().is_none_or(JoinHandle::is_finished) {
                    counting = Some(tokio::spawn(count(Arc::clone(&outbox))));
                }
            }
            let mut has_ended = false;
            if is_time_to_count || now_ms >= expiry_ms {
                has_ended = outbox.expire_undispatched(&*engine, now_ms).await?;
            }
            expiry_ms = next.expiry_ms;
            if has_ended {
                // Further deliveries may have waited behind it in its incident.
                (next.poll_ms, expiry_ms) = (now_ms, now_ms);
            }
            if steady_ms < prune_at_ms {
                return Ok::<_, StoreError>(next);
            }
            if outbox.prune(engine.retention(), now_ms).await? {
                prune_at_ms = steady_ms.saturating_add(milliseconds(PRUNE_INTERVAL));
            } else {
                next.poll_ms = now_ms;
            }
            Ok(next)
        };
        let poll_ms = match round.await {
            Ok(next) => {
                if std::mem::take(&mut has_failed) {
                    outbox.update_store_alert(None);
                    tracing::info!("the store of deliveries can be used again");
                }
                outbox.wakeup.end_round(next.poll_ms.min(next.expiry_ms))
            }
            Err(error) => {
                outbox.update_store_alert(Some(&error));
                if !std::mem::replace(&mut has_failed, true) {
                    tracing::error!(
                        "{error}; the deliveries in it wait until it can be used again"
                    );
                }
                now_ms.saturating_add(milliseconds(RETRY_DELAY))
            }
        };
        drop(engine);
        let left_ms = poll_ms.saturating_sub(outbox.clock.now_ms());
        let interval = Duration::from_millis(u64::try_from(left_ms).unwrap_or_default());
        tokio::select! {
            () = outbox.wakeup.woken() => {}
            () = outbox.clock.sleep(interval) => {}
        }
    }
}

/// The result of a round: the times by which the next round must begin, in milliseconds since the
/// Unix epoch.
#[derive(Debug)]
struct Round {
    /// When the next delivery is due, or the store must be polled.
    poll_ms: i64,
    /// When the next delivery expires on a channel to which nothing is dispatched.
    expiry_ms: i64,
}

/// Whether deliveries are dispatched to a channel.
#[derive(Debug)]
enum Dispatched {
    /// Yes, as far as the channel has permits.
    Now,
    /// No, because the circuit breaker is open or the channel has no provider. The value is the
    /// time from which deliveries are dispatched again, if it is known.
    NotNow(Option<i64>),
}

/// Counts all deliveries, in a task of its own, because there may be millions.
async fn count(outbox: Arc<Outbox>) {
    match outbox.store.accounts().await {
        Ok(accounts) => set_stored_deliveries(&accounts),
        Err(error) => tracing::debug!("{error}; deliveries are not counted"),
    }
}

impl Outbox {
    /// Deletes up to [`MAX_PRUNED`] old notifications. Returns whether none are left.
    async fn prune(&self, retention: Retention, now_ms: i64) -> Result<bool, StoreError> {
        let prune = Prune {
            now_ms,
            accepted_before_ms: now_ms.saturating_sub(milliseconds(retention.age)),
            beyond: retention.notifications,
            limit: MAX_PRUNED,
        };
        let pruned = self.store.prune(prune).await?;
        Ok(pruned < u64::from(MAX_PRUNED))
    }

    /// Dispatches due deliveries to all channels, as far as these have permits.
    async fn dispatch(
        self: &Arc<Self>,
        current: &impl CurrentConfig,
        now_ms: i64,
    ) -> Result<Round, StoreError> {
        let interval = if self.store.is_shared() {
            POLL_INTERVAL
        } else {
            UNSHARED_POLL_INTERVAL
        };
        let mut next = Round {
            poll_ms: now_ms.saturating_add(milliseconds(interval)),
            expiry_ms: i64::MAX,
        };
        for name in self.store.ready(now_ms).await? {
            let dispatched = match &current.channel(&name) {
                Some(channel) => self.dispatch_to(channel).await?,
                None => Dispatched::NotNow(None),
            };
            if let Dispatched::NotNow(until_ms) = dispatched {
                next.poll_ms = next.poll_ms.min(until_ms.unwrap_or(i64::MAX));
                let expiry_ms = self.store.next_expiry(name, now_ms).await?;
                next.expiry_ms = next.expiry_ms.min(expiry_ms.unwrap_or(i64::MAX));
            }
        }
        let due_ms = self.store.next_due(now_ms).await?;
        next.poll_ms = next.poll_ms.min(due_ms.unwrap_or(i64::MAX));
        Ok(next)
    }

    /// Expires deliveries of channels to which nothing is dispatched: channels that no longer
    /// exist, have no provider, or have an open circuit breaker. Returns whether any delivery
    /// expired.
    async fn expire_undispatched(
        &self,
        current: &impl CurrentConfig,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let mut has_ended = false;
        for name in self.store.ready(now_ms).await? {
            let is_dispatched = current
                .channel(&name)
                .is_some_and(|channel| channel.provider().is_ok() && !channel.breaker.is_open());
            if is_dispatched {
                continue;
            }
            let Some(_claiming) = self.begin_claim() else {
                return Ok(has_ended);
            };
            let channel_name: Arc<str> = name.into();
            let expired = self.store.claim(ClaimRequest {
                channel: Arc::clone(&channel_name),
                limit: MAX_EXPIRED,
                now_ms,
                lease_until_ms: now_ms.saturating_add(milliseconds(COUNT_INTERVAL)),
                in_flight: self.in_flight.all(),
                only_expired: true,
            });
            for claim in expired.await? {
                let settled = self.store.settle(Settlement {
                    delivery: claim.delivery,
                    fence: claim.fence,
                    now_ms,
                    attempt: None,
                    is_uncounted: false,
                    proof: None,
                    may_have_arrived: false,
                    next: Next::End {
                        state: State::Expired,
                        why: EXPIRED_REASON.to_owned(),
                        targets: claim.targets,
                    },
                });
                if let Settled::Recorded { superseded } = settled.await? {
                    has_ended = true;
                    // Users of the specification search the log for these words.
                    tracing::error!(
                        channel = %channel_name, delivery = %claim.delivery,
                        "failed to send notification: {EXPIRED_REASON}"
                    );
                    self.notify_superseded(&superseded);
                }
            }
        }
        Ok(has_ended)
    }

    /// Dispatches due deliveries to one channel, as far as it has permits.
    async fn dispatch_to(
        self: &Arc<Self>,
        channel: &ChannelGuard,
    ) -> Result<Dispatched, StoreError> {
        if channel.provider().is_err() {
            // Waiting deliveries may be delivered when the channel is repaired.
            return Ok(Dispatched::NotNow(None));
        }
        loop {
            let mut probe = None;
            let steady_ms = self.clock.steady_ms();
            match channel.breaker.permit(steady_ms) {
                Permit::Closed => {}
                Permit::HalfOpen => probe = Some(Probe::of(channel)),
                Permit::Open(at_ms) => {
                    let left_ms = at_ms.saturating_sub(steady_ms);
                    let until_ms = self.clock.now_ms().saturating_add(left_ms);
                    return Ok(Dispatched::NotNow(Some(until_ms)));
                }
            }
            let slot = || {
                Arc::clone(&channel.attempt_permits)
                    .try_acquire_owned()
                    .ok()
            };
            let mut permits: Vec<_> = std::iter::from_fn(slot).collect();
            if probe.is_some() {
                permits.truncate(1);
            }
            let free = permits.len();
            if free == 0 {
                // The task that releases a permit reads this flag.
                channel.has_backlog.store(true, Ordering::SeqCst);
                let given_back = channel.attempt_permits.available_permits() > 0;
                if !given_back || channel.attempt_permits.is_closed() {
                    return Ok(Dispatched::Now);
                }
                continue;
            }
            let Some(_claiming) = self.begin_claim() else {
                return Ok(Dispatched::Now);
            };
            let now_ms = self.clock.now_ms();
            let claims = self
                .store
                .claim(ClaimRequest {
                    channel: Arc::clone(&channel.config.name),
                    limit: u32::try_from(free).unwrap_or(u32::MAX),
                    now_ms,
                    lease_until_ms: channel.lease_until_ms(now_ms),
                    in_flight: self.in_flight.all(),
                    only_expired: false,
                })
                .await?;
            // Deliveries behind these in their lanes are claimed when one of these ends.
            let is_all = claims.len() < free;
            channel.has_backlog.store(true, Ordering::SeqCst);
            if claims.is_empty() {
                return Ok(Dispatched::Now);
            }
            for claim in claims {
                let Some(permit) = permits.pop() else { break };
                AttemptTask {
                    claim,
                    channel: channel.clone(),
                    rendered: None,
                    permit: Some(permit),
                    probe: probe.take(),
                }
                .spawn(self);
            }
            if is_all {
                return Ok(Dispatched::Now);
            }
        }
    }
}
