//! Canary checks: each channel proves on a schedule that it works, without delivering anything.
//! Otherwise, people who get no notification for months would not notice that none could be
//! delivered.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::join_all;

use crate::alerts::{ChannelProblem, Subject};
use crate::{
    clock::milliseconds,
    delivery::{Channel, Check, CheckStatus},
    engine::handle::{Engine, Inner},
};

/// The maximum time until due checks are searched for again, because clocks may be set.
const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// The delay before a failed check is repeated, until it has failed often enough to raise an alert.
const RECHECK_DELAY: Duration = Duration::from_secs(300);

/// The history of a channel's checks.
#[derive(Debug, Default)]
struct CheckHistory {
    /// The channel as it was configured at the last check.
    channel: Weak<Channel>,
    next_ms: i64,
    /// The number of consecutive failed checks.
    failures: u32,
}

/// Runs until the engine accepts no more notifications or is dropped.
pub(crate) async fn run(engine: Weak<Inner>) {
    let mut histories: HashMap<String, CheckHistory> = HashMap::new();
    loop {
        let Some(Engine(inner)) = Engine::while_open(&engine) else {
            return;
        };
        let clock = Arc::clone(&inner.shared.clock);
        let now_ms = clock.now_ms();
        let all = inner.current.with(|current| current.router.all().to_vec());
        histories.retain(|name, _| all.iter().any(|channel| channel.config().name() == name));
        let due = all.iter().filter(|channel| {
            let history = histories.get(channel.config().name());
            // A reconfigured channel is checked at once, because it may be repaired.
            let is_same =
                |history: &&CheckHistory| history.channel.ptr_eq(&Arc::downgrade(channel));
            let next_ms = history
                .filter(is_same)
                .map_or(i64::MIN, |history| history.next_ms);
            channel.config().options().canary.is_some() && next_ms <= now_ms
        });
        let clock_of_checks = &*clock;
        let checking =
            due.map(|channel| async move { (channel, channel.check(clock_of_checks).await) });
        for (channel, check) in join_all(checking).await {
            let name = channel.config().name().to_owned();
            let history = histories.entry(name).or_default();
            history.channel = Arc::downgrade(channel);
            inner.judge(channel, &check, history, now_ms);
        }
        let wanted = all
            .iter()
            .filter(|channel| channel.config().options().canary.is_some());
        let next_ms =
            wanted.filter_map(|channel| Some(histories.get(channel.config().name())?.next_ms));
        let left_ms = next_ms
            .min()
            .map(|at_ms| at_ms.saturating_sub(clock.now_ms()));
        let left = left_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
        let interval = left.map_or(POLL_INTERVAL, |left| left.min(POLL_INTERVAL));
        let sleep = clock.sleep(interval);
        let reloaded = Arc::clone(&inner.reloaded);
        drop((all, inner));
        tokio::select! {
            () = sleep => {}
            () = reloaded.notified() => {}
        }
    }
}

impl Inner {
    fn judge(
        &self,
        channel: &Arc<Channel>,
        check: &Check,
        history: &mut CheckHistory,
        now_ms: i64,
    ) {
        let definition = channel.definition();
        let Some(canary) = definition.options().canary else {
            return;
        };
        history.next_ms = now_ms.saturating_add(milliseconds(canary.every));
        let subject = Subject::Channel(Arc::clone(&definition.name), ChannelProblem::Check);
        if check.status != CheckStatus::Failed {
            history.failures = 0;
            self.alerts.clear(&subject);
            return;
        }
        history.failures = history.failures.saturating_add(1);
        let (name, detail) = (&check.channel, &check.detail);
        tracing::warn!(channel = %name, failures = history.failures, "its check fails: {detail}");
        if history.failures < canary.failures {
            // Repeated soon, because the failure may have been temporary.
            history.next_ms = now_ms.saturating_add(milliseconds(canary.every.min(RECHECK_DELAY)));
            return;
        }
        let hint = match check.hint.as_str() {
            "" => String::new(),
            hint => format!(" ({hint})"),
        };
        let sentence = format!("Channel {name} would not deliver: {detail}{hint}.");
        self.alerts.raise(subject, sentence);
    }
}
