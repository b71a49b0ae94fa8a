//! Views of the machine's hosts, for people and programs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    blind::BlindSpan,
    family::LinkFamily,
    host::Host,
    host_state::{HostState, LinkState},
    job::Job,
    link::{Link, State},
    settings::Settings,
    state::Machine,
    time::{Moment, Tick},
};
use crate::thresholds::{Condition, Level, shown};

impl LinkState {
    fn of(host: &Host, link: &Link, settings: &Settings, now: Moment) -> Self {
        match link.state {
            _ if link.damper.is_flapping() => Self::Flapping,
            State::Overdue => Self::Overdue,
            State::Down => Self::Down,
            State::Failed => Self::Failed,
            State::Up if link.recheck.is_some() => Self::Unknown,
            State::Up if host.is_late(link, settings, now) => Self::Late,
            State::Up => Self::Up,
        }
    }
}

/// A view of a connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkView {
    /// The address family.
    pub family: LinkFamily,
    /// Its state.
    pub state: LinkState,
    /// When the state began, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When it was last heard, in milliseconds since the Unix epoch.
    pub last_heard_ms: i64,
    /// The time since then, in milliseconds of the monitor's own timeline.
    pub silent_for_ms: u64,
    /// The time until it is overdue unless it is heard, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_in_ms: Option<u64>,
    /// The run that is expected next, by the schedule of the host's job, as the clocks of its
    /// zone show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Box<str>>,
    /// When the newest run began that has not ended, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_since_ms: Option<i64>,
    /// What is wrong with the host's job, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Box<str>>,
}

/// A view of an open alert: a metric beyond its threshold.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AlertView {
    /// The metric.
    pub path: Arc<str>,
    /// Its level.
    pub level: Level,
    /// When the level began, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Its last value.
    pub value: f64,
}

/// A view of a metric: its last value, and the thresholds that apply to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetricView {
    /// The metric.
    pub path: Arc<str>,
    /// Its last value.
    pub value: f64,
    /// The level that its thresholds give it, after as many samples as they ask for.
    pub level: Level,
    /// The condition of a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<Condition>,
    /// The condition of a critical alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<Condition>,
}

/// A view of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostView {
    /// Its name.
    pub host: Arc<str>,
    /// Its state.
    pub state: HostState,
    /// Whether people are notified of its heartbeat events.
    pub watch: bool,
    /// Its connections.
    pub connections: Vec<LinkView>,
    /// Its open alerts.
    pub alerts: Vec<AlertView>,
    /// The number of its metrics.
    pub metrics: usize,
    /// The end of its silence, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_until_ms: Option<i64>,
    /// The reason for its silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_why: Option<String>,
}

impl Machine {
    /// Returns all configured hosts, in the order of the configuration.
    #[must_use]
    pub fn views(&self, now: Moment) -> Vec<HostView> {
        let configured = self.hosts.iter().filter(|host| host.settings.is_some());
        configured.map(|host| self.view_of(host, now)).collect()
    }

    /// Returns a configured host; `None` if no such host is configured.
    #[must_use]
    pub fn view(&self, name: &str, now: Moment) -> Option<HostView> {
        let host = self.host(*self.by_name.get(name)?);
        host.settings?;
        Some(self.view_of(host, now))
    }

    /// Returns the newest blind spans, oldest first.
    #[must_use]
    pub fn blind_spans(&self) -> &[BlindSpan] {
        &self.blindness.spans
    }

    /// Returns the last values of a host's metrics with their thresholds, the worst first.
    #[must_use]
    pub fn metrics(&self, name: &str) -> Vec<MetricView> {
        let Some(id) = self.by_name.get(name) else {
            return Vec::new();
        };
        let host = self.host(*id);
        let set = host.settings.and_then(|settings| settings.set);
        let set = set.and_then(|number| self.settings.sets.get(number as usize));
        let views = host.metrics.iter().filter_map(|metric| {
            let path = self.paths.name(metric.path)?;
            let rule = set.and_then(|set| set.rule(set.find(path)?));
            let mut alerts = host.persistent.alerts.iter();
            let alert = alerts.find(|alert| alert.path == *path);
            Some(MetricView {
                path: Arc::clone(path),
                value: metric.value,
                level: alert.map_or(Level::Ok, |alert| alert.level),
                warning: rule.and_then(|rule| rule.warning),
                critical: rule.and_then(|rule| rule.critical),
            })
        });
        let mut views: Vec<MetricView> = views.collect();
        let is_ruled = |view: &MetricView| view.warning.is_some() || view.critical.is_some();
        views.sort_by(|one, other| {
            let worst = other.level.cmp(&one.level);
            let ruled = is_ruled(other).cmp(&is_ruled(one));
            worst.then(ruled).then_with(|| one.path.cmp(&other.path))
        });
        views
    }

    /// Returns what a host's pings said of its job; `None` if there were none.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<Job> {
        let id = self.by_name.get(name)?;
        self.host(*id).job.as_deref().cloned()
    }

    /// Returns the state of the host's worst connection.
    pub(super) fn state_of(&self, host: &Host, now: Moment) -> HostState {
        let states = host.persistent.links.iter();
        let worst = states
            .map(|link| LinkState::of(host, link, &self.settings, now))
            .max();
        worst.map_or(HostState::New, HostState::Known)
    }

    fn view_of(&self, host: &Host, now: Moment) -> HostView {
        let settings = &self.settings;
        let job = host.job.as_ref();
        let links = host.persistent.links.iter().map(|link| LinkView {
            family: link.family,
            state: LinkState::of(host, link, settings, now),
            since_ms: link.since.wall_ms,
            last_heard_ms: link.seen.wall_ms,
            silent_for_ms: milliseconds(now.tick, link.seen.tick),
            due_in_ms: host
                .deadline(link, settings, now)
                .map(|deadline| milliseconds(deadline, now.tick)),
            next_run: match (link.family, link.state) {
                (LinkFamily::Ping, State::Up) => host.next_run(link, settings, now),
                _ => None,
            },
            running_since_ms: job
                .filter(|_| link.family == LinkFamily::Ping)
                .and_then(|job| job.running_since_ms()),
            problem: link.lapse.as_ref().map(|lapse| lapse.to_string().into()),
        });
        let connections: Vec<LinkView> = links.collect();
        let silence = self
            .silences
            .iter()
            .find(|silence| silence.host == host.name && now.tick < silence.until);
        HostView {
            host: Arc::clone(&host.name),
            state: self.state_of(host, now),
            watch: host.is_watched(),
            connections,
            alerts: host.persistent.alerts.iter().map(AlertView::of).collect(),
            metrics: host.metrics.len(),
            silenced_until_ms: silence.map(|silence| now.wall_of(silence.until)),
            silenced_why: silence.map(|silence| silence.why.clone()),
        }
    }
}

impl MetricView {
    fn conditions(&self) -> impl Iterator<Item = (Level, Condition)> {
        let both = [
            (Level::Warning, self.warning),
            (Level::Critical, self.critical),
        ];
        let both = both.into_iter();
        both.filter_map(|(level, condition)| Some((level, condition?)))
    }

    /// Returns the value as messages have it, such as `95.2`.
    #[must_use]
    pub fn shown(&self) -> String {
        let bounds: Vec<f64> = self.conditions().map(|(_, one)| one.bound()).collect();
        shown(self.value, &bounds)
    }

    /// Returns the thresholds in words, such as `WARNING > 80.0, CRITICAL > 90.0`; nothing if
    /// there are none.
    #[must_use]
    pub fn thresholds(&self) -> String {
        let each = self.conditions();
        let each: Vec<String> = each.map(|(level, one)| format!("{level} {one}")).collect();
        each.join(", ")
    }
}

impl AlertView {
    fn of(alert: &super::metrics::Alert) -> Self {
        Self {
            path: Arc::clone(&alert.path),
            level: alert.level,
            since_ms: alert.since.wall_ms,
            value: alert.value,
        }
    }
}

fn milliseconds(later: Tick, earlier: Tick) -> u64 {
    later.0.saturating_sub(earlier.0)
}
