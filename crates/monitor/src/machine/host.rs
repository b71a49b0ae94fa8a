//! One host: what the configuration says of it, and what is known.

use std::{sync::Arc, time::Duration};

use annunciator_protocol::Family;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    damper::Damper,
    freshness::Taken,
    link::Link,
    metrics::{Alert, Metric},
    settings::{HostSettings, Window},
    time::Tick,
};

/// How many earlier boots are remembered, so that datagrams of theirs that
/// come late are known as such.
const EARLIER_BOOTS: usize = 4;

/// What of a host outlives the monitor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PersistentState {
    /// The boot that it is in, once it was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) boot: Option<CompactString>,
    /// How many boots were heard.
    pub(super) boots: u32,
    /// The datagrams of this boot that were taken.
    pub(super) taken: Taken,
    /// The counter with which it announced a shutdown in this boot: what is
    /// not newer was sent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) went_down_at: Option<u64>,
    /// The boots before, each with the greatest counter that was taken in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) earlier_boots: Vec<(CompactString, u64)>,
    /// How often it says that it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) announced: Option<Duration>,
    pub(super) links: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) alerts: Vec<Alert>,
    /// Damps boots and shutdowns.
    #[serde(skip_serializing_if = "Damper::is_idle")]
    pub(super) restarts: Damper,
}

/// A host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: Arc<str>,
    /// `None` when it is no longer in the configuration: what is known of it
    /// is kept, should it come back.
    pub(super) settings: Option<HostSettings>,
    pub(super) persistent: PersistentState,
    pub(super) metrics: Vec<Metric>,
    /// It is noted among those to write.
    pub(super) changed: bool,
    /// It was heard since the last checkpoint.
    pub(super) heard: bool,
    pub(super) silenced_until: Option<Tick>,
    /// Damps what it reports in its own words.
    pub(super) reports: Damper,
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
        }
    }

    pub(super) fn is_watched(&self) -> bool {
        self.settings.is_some_and(|settings| settings.watch)
    }

    pub(super) fn is_silenced(&self, now: Tick) -> bool {
        self.silenced_until.is_some_and(|until| now < until)
    }

    /// The window, by the configuration, the host's own word and the default.
    pub(super) fn window(&self, default: &Window) -> Window {
        self.settings
            .unwrap_or_default()
            .window(self.persistent.announced, default)
    }

    pub(super) fn link_mut(&mut self, family: Family) -> Option<&mut Link> {
        self.persistent
            .links
            .iter_mut()
            .find(|link| link.family == family)
    }

    /// Begins a boot; what was known of the one before no longer counts.
    /// Counters go on where it has been in this boot before.
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
            let excess = persistent.earlier_boots.len().saturating_sub(EARLIER_BOOTS);
            persistent.earlier_boots.drain(..excess);
        }
    }

    /// The greatest counter that was taken in an earlier boot.
    pub(super) fn earlier_boot(&self, boot: &CompactString) -> Option<u64> {
        let boots = self.persistent.earlier_boots.iter();
        boots
            .rev()
            .find(|(known, _)| known == boot)
            .map(|(_, newest)| *newest)
    }
}
