//! What people change while the monitor runs: the configuration, and
//! silences.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    host::{Host, Kept},
    link::{Link, State},
    metrics::{Rules, Ruling},
    notice::What,
    settings::{HostSettings, Settings},
    state::{HostId, Machine, Timer},
    time::{Moment, Tick, span, wall},
};
use crate::protocol::Family;

/// A host whose events are not told for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The host.
    pub host: Arc<str>,
    /// Since when.
    pub since: Moment,
    /// Until when.
    pub until: Tick,
    /// Why, in the words of whoever asked for it.
    pub why: String,
}

/// No host of this name is in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no host `{0}` is in the configuration")]
pub struct UnknownHost(pub String);

impl Machine {
    /// Takes another configuration. What is known of hosts is kept, also of
    /// those that are no longer in it.
    pub fn configure(
        &mut self,
        settings: Settings,
        hosts: impl IntoIterator<Item = (Arc<str>, HostSettings)>,
        now: Moment,
    ) {
        let now = self.notice_gap(now);
        let before = std::mem::replace(&mut self.settings, settings);
        self.rules = Rules::default();
        let mut named: HashMap<HostId, HostSettings> = HashMap::new();
        for (name, settings) in hosts {
            let known = self.by_name.get(&name).copied();
            let id = known.unwrap_or_else(|| self.insert(Host::new(name, None, Kept::default())));
            named.insert(id, settings);
        }
        for id in self.ids() {
            let new = named.get(&id).copied();
            self.exchange(id, new, &before, now);
        }
        self.reconcile(now);
    }

    /// Exchanges the settings of a host. Nobody is overdue by that alone.
    fn exchange(&mut self, id: HostId, new: Option<HostSettings>, before: &Settings, now: Moment) {
        let default = self.settings.window;
        let host = self.host_mut(id);
        let old_window = host.settings.map(|_| host.window(&before.window));
        host.settings = new;
        for metric in &mut host.metrics {
            metric.rule = Ruling::UNKNOWN;
        }
        let window = host.window(&default);
        for link in &mut host.kept.links {
            let was_due = |link: &Link| {
                let deadline = old_window.and_then(|window| link.deadline(&window));
                deadline.is_some_and(|deadline| deadline <= now.tick)
            };
            let is_due = link
                .deadline(&window)
                .is_some_and(|deadline| deadline <= now.tick);
            if is_due && !was_due(link) {
                // By the new window, or since nobody listened to it so far.
                link.not_before = now.tick + window.length();
            }
        }
    }

    /// Brings what is known in line with the configuration: after a start and
    /// after it has changed alike.
    pub(super) fn reconcile(&mut self, now: Moment) {
        self.rechecking = 0;
        for id in self.ids() {
            let host = &mut self.hosts[id as usize];
            let configured = host.settings.is_some();
            for link in &mut host.kept.links {
                if !configured {
                    // Nobody waits for it.
                    link.recheck = None;
                }
                let counted = link.recheck.is_some_and(|recheck| recheck.counted);
                self.rechecking += u32::from(counted);
            }
            self.drop_alerts_without_rule(id, now);
            self.tell_untold(id, now);
        }
        self.end_check(now);
        self.arm_all();
    }

    /// An alert whose threshold is gone would stay for ever.
    fn drop_alerts_without_rule(&mut self, id: HostId, now: Moment) {
        let host = &mut self.hosts[id as usize];
        let Some(settings) = host.settings.filter(|_| !host.kept.alerts.is_empty()) else {
            return;
        };
        let set = settings
            .set
            .and_then(|number| self.settings.sets.get(number as usize));
        let mut gone = Vec::new();
        host.kept.alerts.retain(|alert| {
            let stays = set.is_some_and(|set| set.find(&alert.path).is_some());
            if !stays {
                gone.push((Arc::clone(&alert.path), alert.told.is_some()));
            }
            stays
        });
        if !gone.is_empty() {
            self.mark_changed(id);
        }
        for (path, told) in gone {
            let text = format!("{path}: its threshold is no longer configured");
            self.note(id, now, text);
            if told {
                let host = Arc::clone(&self.host(id).name);
                self.tell_of(id, What::ThresholdGone { host, path }, now);
            }
        }
    }

    /// A host that is overdue and was not to be told so, but now is.
    fn tell_untold(&mut self, id: HostId, now: Moment) {
        if !self.is_told(id, now) {
            return;
        }
        let host = self.host(id);
        let untold = host.kept.links.iter().filter(|link| {
            link.state == State::Overdue && !link.told && !link.damper.is_flapping()
        });
        let untold: Vec<Family> = untold.map(|link| link.family).collect();
        for family in untold {
            self.mark_changed(id);
            self.turned(id, family, true, now);
        }
    }

    /// Tells nothing of a host for a while, but for the end of what was told
    /// before. What is still wrong afterwards is told then. A silence takes
    /// the place of the host's earlier one; one of no length ends it.
    ///
    /// # Errors
    /// [`UnknownHost`] when no such host is configured.
    pub fn silence(
        &mut self,
        host: &str,
        length: Duration,
        why: &str,
        now: Moment,
    ) -> Result<(), UnknownHost> {
        let now = self.notice_gap(now);
        let configured = |id: &&HostId| self.host(**id).settings.is_some();
        let id = *self
            .by_name
            .get(host)
            .filter(configured)
            .ok_or_else(|| UnknownHost(host.to_owned()))?;
        self.silences.retain(|silence| &*silence.host != host);
        let until = now.tick + length;
        if !length.is_zero() {
            self.silences.push(Silence {
                host: Arc::clone(&self.host(id).name),
                since: now,
                until,
                why: why.to_owned(),
            });
        }
        self.step.silences = Some(self.silences.clone());
        self.host_mut(id).silenced_until = Some(until);
        let timer = Timer::Silence(id);
        self.timers.push(std::cmp::Reverse((until, timer)));
        // The end of one is noted when its timer rings, which is at once.
        if !length.is_zero() {
            let (end, length) = (wall(now.wall_of(until)), span(length));
            let text = format!("silenced for {length}, until {end}: {why}");
            self.note(id, now, text);
        }
        Ok(())
    }

    /// The silences, and the time of the last step to compare them with.
    #[must_use]
    pub fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// Takes those that were written. Nobody hears of the end of one whose host
    /// is gone.
    pub(super) fn resume_silences(&mut self, mut silences: Vec<Silence>, now: Tick) {
        silences.retain(|one| now < one.until || self.by_name.contains_key(&one.host));
        self.silences = silences;
        for silence in &self.silences {
            if let Some(id) = self.by_name.get(&silence.host) {
                self.hosts[*id as usize].silenced_until = Some(silence.until);
            }
        }
    }

    pub(super) fn silence_over(&mut self, id: HostId, now: Moment) {
        let host = self.host_mut(id);
        // Another one may have taken its place.
        if host.silenced_until.is_none() || host.is_silenced(now.tick) {
            return;
        }
        host.silenced_until = None;
        let name = Arc::clone(&host.name);
        self.silences.retain(|silence| silence.host != name);
        self.step.silences = Some(self.silences.clone());
        self.note(id, now, "the silence is over".to_owned());
        self.tell_untold(id, now);
    }
}
