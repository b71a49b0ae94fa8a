//! Has each channel prove on a schedule that it works, nothing delivered: who is
//! told nothing for months does not notice that nothing could be told.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::join_all;

use crate::alerts::{ChannelProblem, Subject};
use crate::{
    clock::milliseconds,
    delivery::Channel,
    engine::{
        check::{Check, CheckStatus},
        handle::Inner,
    },
};

/// How long it is waited at most until it is looked whose turn it is: clocks may be
/// set.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// What is known of a channel.
#[derive(Debug, Default)]
struct Seen {
    /// As it was configured then.
    channel: Weak<Channel>,
    next_ms: i64,
    /// In a row.
    failures: u32,
}

/// Runs until the engine takes no more notifications, or is gone.
pub(crate) async fn run(engine: Weak<Inner>) {
    let mut seen: HashMap<String, Seen> = HashMap::new();
    loop {
        let Some(inner) = engine
            .upgrade()
            .filter(|inner| !inner.deliveries.is_closed())
        else {
            return;
        };
        let clock = Arc::clone(&inner.shared.clock);
        let now_ms = clock.now_ms();
        let all = inner.in_force.look(|now| now.router.all().to_vec());
        seen.retain(|name, _| all.iter().any(|channel| channel.config().name() == name));
        let due = all.iter().filter(|channel| {
            let seen = seen.get(channel.config().name());
            // One that was configured anew shows at once whether that has helped.
            let is_same = |seen: &&Seen| seen.channel.ptr_eq(&Arc::downgrade(channel));
            let next_ms = seen.filter(is_same).map_or(i64::MIN, |seen| seen.next_ms);
            channel.config().options().canary.is_some() && next_ms <= now_ms
        });
        let checking = due.map(|channel| async move { (channel, Check::of(channel).await) });
        for (channel, check) in join_all(checking).await {
            let name = channel.config().name().to_owned();
            let seen = seen.entry(name).or_default();
            seen.channel = Arc::downgrade(channel);
            inner.judge(channel, &check, seen, now_ms);
        }
        let wanted = all
            .iter()
            .filter(|channel| channel.config().options().canary.is_some());
        let next_ms = wanted.filter_map(|channel| Some(seen.get(channel.config().name())?.next_ms));
        let left_ms = next_ms
            .min()
            .map(|at_ms| at_ms.saturating_sub(clock.now_ms()));
        let left = left_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
        let pause = left.map_or(POLL_INTERVAL, |left| left.min(POLL_INTERVAL));
        let sleep = clock.sleep(pause);
        let reloaded = Arc::clone(&inner.reloaded);
        drop((all, inner));
        tokio::select! {
            () = sleep => {}
            () = reloaded.notified() => {}
        }
    }
}

impl Inner {
    fn judge(&self, channel: &Arc<Channel>, check: &Check, seen: &mut Seen, now_ms: i64) {
        let definition = channel.definition();
        let Some(canary) = definition.options().canary else {
            return;
        };
        seen.next_ms = now_ms.saturating_add(milliseconds(canary.every));
        let subject = Subject::Channel(Arc::clone(&definition.name), ChannelProblem::Check);
        if check.status != CheckStatus::Failed {
            seen.failures = 0;
            self.alerts.clear(&subject);
            return;
        }
        seen.failures = seen.failures.saturating_add(1);
        let (name, detail) = (&check.channel, &check.detail);
        tracing::warn!(channel = %name, failures = seen.failures, "its check fails: {detail}");
        if seen.failures < canary.failures {
            // Once more soon: it may have been a moment's trouble.
            seen.next_ms = now_ms.saturating_add(milliseconds(canary.every.min(AGAIN)));
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

/// How soon a check that failed is made again, until it has failed often enough
/// to be told.
const AGAIN: Duration = Duration::from_secs(300);
