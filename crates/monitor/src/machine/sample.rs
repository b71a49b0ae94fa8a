//! Compares metrics with their thresholds.

use std::sync::Arc;

use super::{
    host::Host,
    metrics::{Alert, MAX_PER_HOST, Metric, PathId, Ruling},
    notice::Occurrence,
    state::{HostId, Machine},
    time::Moment,
};
use crate::thresholds::{Level, Renotify, Rule, Streak};

impl Machine {
    /// Processes one value of a metric.
    pub(super) fn sample(&mut self, id: HostId, path: &str, value: f64, now: Moment) {
        // The host's own limit comes first, so that a host that invents names does not use
        // up the limit of all.
        let has_room = self.host(id).metrics.len() < MAX_PER_HOST;
        let number = self.paths.number(path, has_room);
        let place = number.and_then(|number| Some((number, metric(self.host_mut(id), number)?)));
        let Some((number, place)) = place else {
            self.metrics_dropped += 1;
            return;
        };
        let host = &mut self.hosts[id as usize];
        let metric = &mut host.metrics[place];
        metric.value = value;
        let Some(set_number) = host.settings.and_then(|settings| settings.set) else {
            return;
        };
        if metric.rule == Ruling::NONE {
            return;
        }
        let Some(set) = self.settings.sets.get(set_number as usize) else {
            return;
        };
        if metric.rule == Ruling::UNKNOWN {
            metric.rule = self.rules.find(set_number, set, number, path);
        }
        let rule = metric.rule.number();
        let set = Arc::clone(set);
        if let Some(rule) = rule.and_then(|rule| set.rule(rule)) {
            self.judge(id, place, rule, value, now);
            self.remind(id, number, rule, set.renotify, now);
        }
    }

    fn judge(&mut self, id: HostId, place: usize, rule: &Rule, value: f64, now: Moment) {
        let host = &mut self.hosts[id as usize];
        let metric = &mut host.metrics[place];
        let path = self.paths.name(metric.path).cloned().unwrap_or_default();
        let alert = host
            .persistent
            .alerts
            .iter()
            .position(|alert| alert.path == path);
        let current = alert.map_or(Level::Ok, |place| host.persistent.alerts[place].level);
        let level = rule.judge(current, &mut metric.streak, value);
        if let Some(place) = alert {
            host.persistent.alerts[place].value = value;
        }
        if level == current {
            return;
        }
        match alert {
            None => host.persistent.alerts.push(Alert {
                path: Arc::clone(&path),
                level,
                since: now,
                notified: None,
                notified_at: now.tick,
                value,
            }),
            Some(place) if level == Level::Ok => {
                let ended = host.persistent.alerts.swap_remove(place);
                // Whoever was notified of the alert is notified of its end, silenced or
                // not.
                let what = threshold(host, &ended, rule, Level::Ok, false);
                if ended.notified.is_some() {
                    self.notify(what, now);
                } else {
                    self.end_unnotified(what, now);
                }
            }
            Some(place) => {
                let alert = &mut host.persistent.alerts[place];
                alert.level = level;
                alert.since = now;
            }
        }
        let host = &self.hosts[id as usize];
        if level != Level::Ok && host.is_silenced(now.tick) {
            let alerts = &host.persistent.alerts;
            let alert = alerts.iter().find(|alert| alert.path == path).cloned();
            let what = alert.map(|alert| threshold(host, &alert, rule, level, false));
            what.into_iter()
                .for_each(|what| self.suppress(id, what, now));
        }
        self.mark_changed(id);
        let (shown, info) = (rule.shown(value), rule.info(level));
        self.note(
            id,
            now,
            format!("{path} = {shown}: {current} -> {level} {info}"),
        );
    }

    /// Notifies of an open alert whose level was not notified yet, or whose reminder is
    /// due.
    fn remind(&mut self, id: HostId, path: PathId, rule: &Rule, renotify: Renotify, now: Moment) {
        let host = &mut self.hosts[id as usize];
        if host.persistent.alerts.is_empty() || host.is_silenced(now.tick) {
            return;
        }
        let path = self.paths.name(path);
        let Some(place) = host
            .persistent
            .alerts
            .iter()
            .position(|alert| Some(&alert.path) == path)
        else {
            return;
        };
        let alert = &mut host.persistent.alerts[place];
        let reminder = alert.notified == Some(alert.level);
        let due = match renotify {
            Renotify::Every(every) => now.tick.since(alert.notified_at) >= every,
            Renotify::Never => false,
        };
        if reminder && !due {
            return;
        }
        alert.notified = Some(alert.level);
        alert.notified_at = now.tick;
        let alert = alert.clone();
        let what = threshold(host, &alert, rule, alert.level, reminder);
        self.mark_changed(id);
        self.notify(what, now);
    }
}

/// Returns the position of a metric in its host's list, which is sorted; `None` if the host
/// has too many metrics.
fn metric(host: &mut Host, path: PathId) -> Option<usize> {
    match host
        .metrics
        .binary_search_by_key(&path, |metric| metric.path)
    {
        Ok(place) => Some(place),
        Err(_) if host.metrics.len() >= MAX_PER_HOST => None,
        Err(place) => {
            let metric = Metric {
                path,
                streak: Streak::default(),
                rule: Ruling::UNKNOWN,
                value: 0.0,
            };
            // Exactly as many as needed: every host has such a list.
            if host.metrics.len() == host.metrics.capacity() {
                host.metrics.reserve_exact(1 + host.metrics.len() / 4);
            }
            host.metrics.insert(place, metric);
            Some(place)
        }
    }
}

fn threshold(host: &Host, alert: &Alert, rule: &Rule, level: Level, reminder: bool) -> Occurrence {
    Occurrence::Threshold {
        host: Arc::clone(&host.name),
        path: Arc::clone(&alert.path),
        level,
        value: rule.shown(alert.value).into(),
        info: rule.info(level).into(),
        reminder,
    }
}
