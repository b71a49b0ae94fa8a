//! Changes of the configuration while the monitor runs: the state of hosts is adapted.

use std::{collections::HashMap, sync::Arc};

use super::{
    family::LinkFamily,
    host::{Host, PersistentState},
    link::Link,
    metrics::{Rules, Ruling},
    notice::Occurrence,
    settings::{HostSettings, Settings},
    state::{HostId, Machine},
    time::Moment,
};

impl Machine {
    /// Applies another configuration. Hosts keep their state, even those that were removed; but
    /// what people were notified of these is over.
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
            let id = known
                .unwrap_or_else(|| self.insert(Host::new(name, None, PersistentState::default())));
            named.insert(id, settings);
        }
        for id in self.ids() {
            let new = named.get(&id).copied();
            self.exchange(id, new, &before, now);
        }
        self.reconcile(now);
    }

    /// Replaces the settings of a host. The change alone makes no host overdue.
    fn exchange(&mut self, id: HostId, new: Option<HostSettings>, before: &Settings, now: Moment) {
        let Self {
            settings, hosts, ..
        } = self;
        let host = &mut hosts[id as usize];
        let is_due = |host: &Host, link: &Link, settings: &Settings| {
            let deadline = host.deadline(link, settings, now);
            deadline.is_some_and(|deadline| deadline <= now.tick)
        };
        let links = host.persistent.links.iter();
        let were_due: Vec<bool> = links
            .map(|link| host.settings.is_some() && is_due(host, link, before))
            .collect();
        host.settings = new;
        for metric in &mut host.metrics {
            metric.rule = Ruling::UNKNOWN;
        }
        for (place, was_due) in were_due.into_iter().enumerate() {
            let link = &host.persistent.links[place];
            if is_due(host, link, settings) && !was_due {
                // Due by the new window only, or the host was not configured until now.
                let window = host.window_of(link, settings);
                host.persistent.links[place].not_before = now.tick + window.length();
            }
        }
    }

    /// Adapts the state to the configuration, after a start and after a reload.
    pub(super) fn reconcile(&mut self, now: Moment) {
        self.rechecking = 0;
        for id in self.ids() {
            let host = &mut self.hosts[id as usize];
            let configured = host.settings.is_some();
            let mut removed = Vec::new();
            for link in &mut host.persistent.links {
                if !configured {
                    // Nothing waits for it any more.
                    link.recheck = None;
                    let notified = link.notified || link.damper.is_flapping();
                    if notified {
                        link.notified = false;
                        link.damper.settle();
                    }
                    if notified || link.state.is_problem() {
                        removed.push((link.family, notified));
                    }
                }
                let counted = link.recheck.is_some_and(|recheck| recheck.counted);
                self.rechecking += u32::from(counted);
            }
            for (family, notified) in removed {
                let what = Occurrence::Removed(self.connection(id, family));
                if notified {
                    self.mark_changed(id);
                    self.notify_about(id, what, now);
                } else {
                    self.end_unnotified(what, now);
                }
            }
            self.drop_alerts_without_rule(id, now);
            self.notify_missed(id, now);
        }
        self.end_check(now);
        self.arm_all();
    }

    /// Closes alerts without a threshold, or of a host that was removed, which would otherwise
    /// stay open forever.
    fn drop_alerts_without_rule(&mut self, id: HostId, now: Moment) {
        let host = &mut self.hosts[id as usize];
        if host.persistent.alerts.is_empty() {
            return;
        }
        let set = host.settings.and_then(|settings| settings.set);
        let set = set.and_then(|number| self.settings.sets.get(number as usize));
        let mut gone = Vec::new();
        host.persistent.alerts.retain(|alert| {
            let stays = set.is_some_and(|set| set.find(&alert.path).is_some());
            if !stays {
                gone.push((Arc::clone(&alert.path), alert.notified.is_some()));
            }
            stays
        });
        if !gone.is_empty() {
            self.mark_changed(id);
        }
        for (path, notified) in gone {
            let text = format!("{path}: its threshold is no longer configured");
            self.note(id, now, text);
            let host = Arc::clone(&self.host(id).name);
            let what = Occurrence::ThresholdGone { host, path };
            if notified {
                self.notify_about(id, what, now);
            } else {
                self.end_unnotified(what, now);
            }
        }
    }

    /// Notifies of an overdue host that was not to be notified before, and now is.
    pub(super) fn notify_missed(&mut self, id: HostId, now: Moment) {
        if !self.is_notified(id, now) {
            return;
        }
        let host = self.host(id);
        let not_notified =
            host.persistent.links.iter().filter(|link| {
                link.state.is_problem() && !link.notified && !link.damper.is_flapping()
            });
        let not_notified: Vec<LinkFamily> = not_notified.map(|link| link.family).collect();
        for family in not_notified {
            self.mark_changed(id);
            self.turned(id, family, true, now);
        }
    }
}
