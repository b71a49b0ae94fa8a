//! Claims what is due and hands it to its channels, for as long as the engine
//! takes notifications; and deletes what is long over.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use annunciator_store::{
    ClaimRequest, Next as NextStep, Prune, Settled, Settlement, State, StoreError,
};
use tokio::task::JoinHandle;

use super::{
    attempt_task::{AttemptTask, EXPIRED_REASON, Probe},
    channel::Held,
    circuit_breaker::Permit,
    meter::meter_accounts,
    outbox::Outbox,
};
use crate::{clock::milliseconds, config::Keep};

/// How often a store is looked at that others may put deliveries into.
const LOOK: Duration = Duration::from_secs(1);
/// The same for one that nobody else has: it says itself when something is
/// due, and clocks may be set.
const LOOK_AT_OWN: Duration = Duration::from_secs(60);
/// How often deliveries are counted: all of them are looked at.
const COUNT: Duration = Duration::from_secs(60);
/// How often what is old is deleted.
const PRUNE: Duration = Duration::from_secs(3600);
/// So many notifications are deleted in one step, which must not hold up others.
const MOST_PRUNED: u32 = 500;
/// So many deliveries of a channel that have come too late are ended at a time.
const MOST_LATE: u32 = 500;
/// How long a store is left alone that cannot be used.
const RECOVERY: Duration = Duration::from_secs(5);

/// The configuration in force, as far as deliveries depend on it. The engine has it, and
/// exchanges it under way: each call answers for the moment.
pub(crate) trait CurrentConfig: Send + Sync + 'static {
    /// The open channel of this name. `None` where the configuration has none: it is
    /// another engine's, or of a configuration to come.
    fn channel(&self, name: &str) -> Option<Held>;

    /// What is kept of deliveries that have ended.
    fn keep(&self) -> Keep;
}

/// Runs until the engine takes no more notifications, or is gone.
pub(crate) async fn run<E: CurrentConfig>(engine: Weak<E>, outbox: Weak<Outbox>) {
    let mut in_trouble = false;
    let (mut prune_at_ms, mut count_at_ms) = (i64::MIN, i64::MIN);
    // When something expires on a channel to which nothing is handed out.
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
            let mut next = outbox.hand_out(&*engine, now_ms).await?;
            let is_time_to_count = steady_ms >= count_at_ms;
            if is_time_to_count {
                count_at_ms = steady_ms.saturating_add(milliseconds(COUNT));
                // One after the other, however long each takes.
                if counting.as_ref().is_none_or(JoinHandle::is_finished) {
                    counting = Some(tokio::spawn(count(Arc::clone(&outbox))));
                }
            }
            let mut has_ended = false;
            if is_time_to_count || now_ms >= expiry_ms {
                has_ended = outbox.end_late(&*engine, now_ms).await?;
            }
            expiry_ms = next.expiry_ms;
            if has_ended {
                // More may have been behind it in its incident.
                (next.look_ms, expiry_ms) = (now_ms, now_ms);
            }
            if steady_ms < prune_at_ms {
                return Ok::<_, StoreError>(next);
            }
            if outbox.prune(engine.keep(), now_ms).await? {
                prune_at_ms = steady_ms.saturating_add(milliseconds(PRUNE));
            } else {
                next.look_ms = now_ms;
            }
            Ok(next)
        };
        let look_ms = match round.await {
            Ok(next) => {
                if std::mem::take(&mut in_trouble) {
                    outbox.update_store_alert(None);
                    tracing::info!("the store of deliveries can be used again");
                }
                outbox.wakeup.end_round(next.look_ms.min(next.expiry_ms))
            }
            Err(error) => {
                outbox.update_store_alert(Some(&error));
                if !std::mem::replace(&mut in_trouble, true) {
                    tracing::error!("{error}; what waits there waits until it can be used again");
                }
                now_ms.saturating_add(milliseconds(RECOVERY))
            }
        };
        drop(engine);
        let pause_ms = look_ms.saturating_sub(outbox.clock.now_ms());
        let pause = Duration::from_millis(u64::try_from(pause_ms).unwrap_or_default());
        tokio::select! {
            () = outbox.wakeup.woken() => {}
            () = outbox.clock.sleep(pause) => {}
        }
    }
}

/// What the dispatcher saw.
#[derive(Debug)]
struct Next {
    /// When something is due, or the store has to be looked at anyway.
    look_ms: i64,
    /// When something expires on a channel to which nothing is handed out.
    expiry_ms: i64,
}

/// Whether anything is handed out to a channel.
#[derive(Debug)]
enum Served {
    /// Whatever has a place.
    Now,
    /// Nothing before this time, where it is known: the channel is out of order, or
    /// has no provider.
    NotNow(Option<i64>),
}

/// Counts all deliveries. Nothing waits for that: there may be millions.
async fn count(outbox: Arc<Outbox>) {
    match outbox.store.accounts().await {
        Ok(accounts) => meter_accounts(&accounts),
        Err(error) => tracing::debug!("{error}; deliveries are not counted"),
    }
}

impl Outbox {
    /// Deletes some of what is long over; answers whether that was all.
    async fn prune(&self, keep: Keep, now_ms: i64) -> Result<bool, StoreError> {
        let prune = Prune {
            now_ms,
            accepted_before_ms: now_ms.saturating_sub(milliseconds(keep.age)),
            beyond: keep.notifications,
            most: MOST_PRUNED,
        };
        let pruned = self.store.prune(prune).await?;
        Ok(pruned < u64::from(MOST_PRUNED))
    }

    /// Hands out all that is due and has a place.
    async fn hand_out(
        self: &Arc<Self>,
        current: &impl CurrentConfig,
        now_ms: i64,
    ) -> Result<Next, StoreError> {
        let pause = if self.store.is_shared() {
            LOOK
        } else {
            LOOK_AT_OWN
        };
        let mut next = Next {
            look_ms: now_ms.saturating_add(milliseconds(pause)),
            expiry_ms: i64::MAX,
        };
        for name in self.store.ready(now_ms).await? {
            let served = match &current.channel(&name) {
                Some(channel) => self.hand_out_to(channel).await?,
                None => Served::NotNow(None),
            };
            if let Served::NotNow(until_ms) = served {
                next.look_ms = next.look_ms.min(until_ms.unwrap_or(i64::MAX));
                let expiry_ms = self.store.next_expiry(name, now_ms).await?;
                next.expiry_ms = next.expiry_ms.min(expiry_ms.unwrap_or(i64::MAX));
            }
        }
        let due_ms = self.store.next_due(now_ms).await?;
        next.look_ms = next.look_ms.min(due_ms.unwrap_or(i64::MAX));
        Ok(next)
    }

    /// Ends what has come too late for channels to which nothing is handed out:
    /// those that are gone, that have no provider, or are out of order. Answers
    /// whether there was any.
    async fn end_late(
        &self,
        current: &impl CurrentConfig,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let mut has_ended = false;
        for name in self.store.ready(now_ms).await? {
            let is_served = current
                .channel(&name)
                .is_some_and(|channel| channel.provider().is_ok() && !channel.breaker.is_open());
            if is_served {
                continue;
            }
            let Some(_claiming) = self.begin_claim() else {
                return Ok(has_ended);
            };
            let late_on: Arc<str> = name.into();
            let late = self.store.claim(ClaimRequest {
                channel: Arc::clone(&late_on),
                most: MOST_LATE,
                now_ms,
                lease_until_ms: now_ms.saturating_add(milliseconds(COUNT)),
                holding: self.in_flight.all(),
                only_expired: true,
            });
            for claim in late.await? {
                let settled = self.store.settle(Settlement {
                    delivery: claim.delivery,
                    fence: claim.fence,
                    now_ms,
                    attempt: None,
                    is_uncounted: false,
                    proof: None,
                    may_have_arrived: false,
                    next: NextStep::End {
                        state: State::Expired,
                        why: EXPIRED_REASON.to_owned(),
                        targets: claim.targets,
                    },
                });
                if let Settled::Recorded { superseded } = settled.await? {
                    has_ended = true;
                    // The specification's users grep for these words.
                    tracing::error!(
                        channel = %late_on, delivery = %claim.delivery,
                        "failed to send notification: {EXPIRED_REASON}"
                    );
                    self.notify_superseded(&superseded);
                }
            }
        }
        Ok(has_ended)
    }

    /// Hands out to one channel all that is due and has a place.
    async fn hand_out_to(self: &Arc<Self>, channel: &Held) -> Result<Served, StoreError> {
        if channel.provider().is_err() {
            // What waits for it may be delivered once that is mended.
            return Ok(Served::NotNow(None));
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
                    return Ok(Served::NotNow(Some(until_ms)));
                }
            }
            let slot = || Arc::clone(&channel.slots).try_acquire_owned().ok();
            let mut permits: Vec<_> = std::iter::from_fn(slot).collect();
            if probe.is_some() {
                permits.truncate(1);
            }
            let places = permits.len();
            if places == 0 {
                // Whoever gives a place back sees that.
                channel.behind.store(true, Ordering::SeqCst);
                let given_back = channel.slots.available_permits() > 0;
                if !given_back || channel.slots.is_closed() {
                    return Ok(Served::Now);
                }
                continue;
            }
            let Some(_claiming) = self.begin_claim() else {
                return Ok(Served::Now);
            };
            let now_ms = self.clock.now_ms();
            let claims = self
                .store
                .claim(ClaimRequest {
                    channel: Arc::clone(&channel.config.name),
                    most: u32::try_from(places).unwrap_or(u32::MAX),
                    now_ms,
                    lease_until_ms: channel.lease_until_ms(now_ms),
                    holding: self.in_flight.all(),
                    only_expired: false,
                })
                .await?;
            // What is behind its lane is looked for when something ends.
            let is_all = claims.len() < places;
            channel.behind.store(true, Ordering::SeqCst);
            if claims.is_empty() {
                return Ok(Served::Now);
            }
            for claim in claims {
                let Some(permit) = permits.pop() else { break };
                self.spawn_attempt(AttemptTask {
                    claim,
                    channel: channel.clone(),
                    rendered: None,
                    permit: Some(permit),
                    probe: probe.take(),
                });
            }
            if is_all {
                return Ok(Served::Now);
            }
        }
    }
}
