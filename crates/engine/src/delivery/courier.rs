//! Claims what is due and hands it to its channels, for as long as the engine
//! takes notifications; and deletes what is long over.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::task::JoinHandle;

use super::{
    breaker::Way,
    channel::Held,
    claimed::{Claimed, Probe, TOO_LATE},
    meter::meter_accounts,
    outbox::{Outbox, milliseconds},
};
use crate::{
    config::Keep,
    engine::Inner,
    store::{Next, Prune, Settled, Settlement, State, StoreError, Wanted},
};

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

/// Runs until the engine takes no more notifications, or is gone.
pub(crate) async fn run(engine: Weak<Inner>) {
    let mut in_trouble = false;
    let (mut prune_at_ms, mut count_at_ms) = (i64::MIN, i64::MIN);
    let mut counting: Option<JoinHandle<()>> = None;
    loop {
        let Some(inner) = engine.upgrade() else {
            return;
        };
        let Some(outbox) = inner
            .outbox
            .clone()
            .filter(|_| !inner.deliveries.is_closed())
        else {
            return;
        };
        let steady_ms = outbox.clock.steady_ms();
        let round = async {
            let pause = outbox.hand_out(&inner).await?;
            if steady_ms >= count_at_ms {
                count_at_ms = steady_ms.saturating_add(milliseconds(COUNT));
                // One after the other, however long each takes.
                if counting.as_ref().is_none_or(JoinHandle::is_finished) {
                    counting = Some(tokio::spawn(count(Arc::clone(&outbox))));
                }
                outbox.end_late(&inner).await?;
            }
            if steady_ms < prune_at_ms {
                return Ok::<_, StoreError>(pause);
            }
            let keep = inner.in_force.look(|now| now.config.delivery.keep);
            if !outbox.prune(keep, outbox.clock.now_ms()).await? {
                return Ok(Duration::ZERO);
            }
            prune_at_ms = steady_ms.saturating_add(milliseconds(PRUNE));
            Ok(pause)
        };
        let pause = match round.await {
            Ok(pause) => {
                if std::mem::take(&mut in_trouble) {
                    outbox.watch(None);
                    tracing::info!("the store of deliveries can be used again");
                }
                pause
            }
            Err(error) => {
                outbox.watch(Some(&error));
                if !std::mem::replace(&mut in_trouble, true) {
                    tracing::error!("{error}; what waits there waits until it can be used again");
                }
                RECOVERY
            }
        };
        drop(inner);
        tokio::select! {
            () = outbox.wake.notified() => {}
            () = outbox.clock.sleep(pause) => {}
        }
    }
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

    /// Hands out all that is due and has a place; answers in how long to look
    /// again.
    async fn hand_out(self: &Arc<Self>, inner: &Inner) -> Result<Duration, StoreError> {
        let now_ms = self.clock.now_ms();
        let mut next_try = None;
        for name in self.store.ready(now_ms).await? {
            let named = inner
                .in_force
                .look(|now| now.router.channel(&now.config, &name));
            // Another engine's, or of a configuration to come.
            let Some(channel) = named else {
                continue;
            };
            let left_alone = self.hand_out_to(&channel).await?;
            next_try = next_try.into_iter().chain(left_alone).min();
        }
        let next = self.store.next_due(now_ms).await?;
        let next = next.into_iter().chain(next_try).min();
        let pause = if self.store.is_shared() {
            LOOK
        } else {
            LOOK_AT_OWN
        };
        Ok(next.map_or(pause, |due_ms| {
            let until = u64::try_from(due_ms.saturating_sub(now_ms)).unwrap_or_default();
            pause.min(Duration::from_millis(until))
        }))
    }

    /// Ends what has come too late for channels to which nothing is handed out:
    /// those that are gone, that have no provider, or are out of order.
    async fn end_late(&self, inner: &Inner) -> Result<(), StoreError> {
        let now_ms = self.clock.now_ms();
        for name in self.store.ready(now_ms).await? {
            let named = inner
                .in_force
                .look(|now| now.router.channel(&now.config, &name));
            let is_served = named
                .is_some_and(|channel| channel.provider().is_ok() && !channel.breaker.is_broken());
            if is_served {
                continue;
            }
            let late = self.store.claim(Wanted {
                channel: name.into(),
                most: MOST_LATE,
                now_ms,
                lease_until_ms: now_ms.saturating_add(milliseconds(COUNT)),
                holding: self.holding.all(),
                only_expired: true,
            });
            for claim in late.await? {
                let settled = self.store.settle(Settlement {
                    delivery: claim.delivery,
                    fence: claim.fence,
                    now_ms,
                    attempt: None,
                    is_free: false,
                    proof: None,
                    may_have_arrived: false,
                    next: Next::End {
                        state: State::Expired,
                        why: TOO_LATE.to_owned(),
                        targets: claim.targets,
                    },
                });
                if let Settled::Recorded { superseded } = settled.await? {
                    self.are_superseded(&superseded);
                }
            }
        }
        Ok(())
    }

    /// Answers until when the channel is left alone, where it is.
    async fn hand_out_to(self: &Arc<Self>, channel: &Held) -> Result<Option<i64>, StoreError> {
        if channel.provider().is_err() {
            // What waits for it may be delivered once that is mended.
            return Ok(None);
        }
        loop {
            let mut probe = None;
            let steady_ms = self.clock.steady_ms();
            match channel.breaker.way(steady_ms) {
                Way::Open => {}
                Way::Probe => probe = Some(Probe::of(channel)),
                Way::Until(at_ms) => {
                    let left_ms = at_ms.saturating_sub(steady_ms);
                    return Ok(Some(self.clock.now_ms().saturating_add(left_ms)));
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
                    return Ok(None);
                }
                continue;
            }
            let now_ms = self.clock.now_ms();
            let claims = self
                .store
                .claim(Wanted {
                    channel: Arc::clone(&channel.config.name),
                    most: u32::try_from(places).unwrap_or(u32::MAX),
                    now_ms,
                    lease_until_ms: channel.lease_until_ms(now_ms),
                    holding: self.holding.all(),
                    only_expired: false,
                })
                .await?;
            // What is behind its lane is looked for when something ends.
            let is_all = claims.len() < places;
            channel.behind.store(true, Ordering::SeqCst);
            if claims.is_empty() {
                return Ok(None);
            }
            for claim in claims {
                let Some(permit) = permits.pop() else { break };
                self.begin(Claimed {
                    claim,
                    channel: channel.clone(),
                    rendered: None,
                    permit: Some(permit),
                    probe: probe.take(),
                });
            }
            if is_all {
                return Ok(None);
            }
        }
    }
}
