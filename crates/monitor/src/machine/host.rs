//! One host: its settings and its state.

use std::{sync::Arc, time::Duration};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    damper::Damper,
    family::LinkFamily,
    freshness::Taken,
    job::Job,
    link::Link,
    metrics::{Alert, Metric},
    settings::{HostSettings, Window},
    time::Tick,
};

/// The number of earlier boots that are remembered, so that late datagrams of theirs are
/// recognised.
const MAX_EARLIER_BOOTS: usize = 4;

/// The part of a host's state that survives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PersistentState {
    /// The current boot, once the host was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) boot: Option<CompactString>,
    /// The number of boots that were heard.
    pub(super) boots: u32,
    /// The accepted datagrams of this boot.
    pub(super) taken: Taken,
    /// The counter with which the host announced a shutdown in this boot. Datagrams with
    /// lower counters were sent before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) went_down_at: Option<u64>,
    /// The previous boots, each with the greatest counter that was accepted in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) earlier_boots: Vec<(CompactString, u64)>,
    /// The interval that the host announces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) announced: Option<Duration>,
    pub(super) links: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) alerts: Vec<Alert>,
    /// The damper of boots and shutdowns.
    #[serde(skip_serializing_if = "Damper::is_idle")]
    pub(super) restarts: Damper,
}

/// A host with its settings and state.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: Arc<str>,
    /// `None` if the host is no longer in the configuration. Its state is kept in case it
    /// returns.
    pub(super) settings: Option<HostSettings>,
    pub(super) persistent: PersistentState,
    pub(super) metrics: Vec<Metric>,
    /// Whether it is listed among the hosts to write.
    pub(super) changed: bool,
    /// Whether it was heard since the last checkpoint.
    pub(super) heard: bool,
    pub(super) silenced_until: Option<Tick>,
    /// The damper of the messages that the host reports.
    pub(super) reports: Damper,
    /// What its pings say of its job, if there were any.
    pub(super) job: Option<Box<Job>>,
}

impl Host {
    pub(super) fn new(
        name: Arc<str>,
        settings: Option<HostSettings>,
        persistent: PersistentState,
    ) -> Self {
        Self {
            name,
            settings,
            persistent,
            metrics: Vec::new(),
            changed: false,
            heard: false,
            silenced_until: None,
            reports: Damper::default(),
            job: None,
        }
    }

    pub(super) fn is_watched(&self) -> bool {
        self.settings.is_some_and(|settings| settings.watch)
    }

    pub(super) fn is_silenced(&self, now: Tick) -> bool {
        self.silenced_until.is_some_and(|until| now < until)
    }

    /// Returns the window, from the configuration, the announced interval and the default.
    pub(super) fn window(&self, default: &Window) -> Window {
        self.settings
            .unwrap_or_default()
            .window(self.persistent.announced, default)
    }

    /// Returns the families of its connections.
    pub(super) fn families(&self) -> Vec<LinkFamily> {
        let links = self.persistent.links.iter();
        links.map(|link| link.family).collect()
    }

    pub(super) fn link_mut(&mut self, family: LinkFamily) -> Option<&mut Link> {
        self.persistent
            .links
            .iter_mut()
            .find(|link| link.family == family)
    }

    /// Begins a boot and forgets what holds only within the previous one. If the host was
    /// in this boot before, its counters continue.
    pub(super) fn begin_boot(&mut self, boot: &CompactString) {
        let persistent = &mut self.persistent;
        let place = persistent
            .earlier_boots
            .iter()
            .position(|(known, _)| known == boot);
        let before = place.map(|place| persistent.earlier_boots.remove(place).1);
        persistent.boots = persistent.boots.wrapping_add(1);
        let newest = persistent.taken.newest().unwrap_or_default();
        persistent.taken = before.map_or_else(Taken::default, Taken::after);
        persistent.went_down_at = None;
        if let Some(ended) = persistent.boot.replace(boot.clone()) {
            persistent.earlier_boots.push((ended, newest));
            let excess = persistent
                .earlier_boots
                .len()
                .saturating_sub(MAX_EARLIER_BOOTS);
            persistent.earlier_boots.drain(..excess);
        }
    }

    /// Returns the greatest counter that was accepted in an earlier boot.
    pub(super) fn earlier_boot(&self, boot: &CompactString) -> Option<u64> {
        let boots = self.persistent.earlier_boots.iter();
        boots
            .rev()
            .find(|(known, _)| known == boot)
            .map(|(_, newest)| *newest)
    }
}
