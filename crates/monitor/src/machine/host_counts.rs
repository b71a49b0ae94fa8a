//! The number of hosts in each state, for metrics: one pass over the hosts, without their
//! names.

use super::{
    host_state::{HostState, LinkState},
    state::Machine,
    time::Moment,
};
use crate::thresholds::Level;

/// Counts of the configured hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostCounts {
    /// How many hosts were never heard.
    pub new: u64,
    /// How many hosts are in each state, by the worst of their connections, in the order of
    /// [`LinkState::ALL`].
    pub known: [u64; LinkState::ALL.len()],
    /// How many hosts are watched (`watch: true`): people are notified of their heartbeat
    /// events.
    pub watched: u64,
    /// How many hosts are silenced.
    pub silenced: u64,
    /// How many metrics are at the level `WARNING`.
    pub warnings: u64,
    /// How many metrics are at the level `CRITICAL`.
    pub criticals: u64,
}

impl Machine {
    /// Counts the configured hosts.
    #[must_use]
    pub fn host_counts(&self, now: Moment) -> HostCounts {
        let mut host_counts = HostCounts::default();
        for host in self.hosts.iter().filter(|host| host.settings.is_some()) {
            match self.state_of(host, now) {
                HostState::New => host_counts.new += 1,
                HostState::Known(state) => {
                    let place = LinkState::ALL.iter().position(|known| *known == state);
                    if let Some(count) = place.and_then(|place| host_counts.known.get_mut(place)) {
                        *count += 1;
                    }
                }
            }
            host_counts.watched += u64::from(host.is_watched());
            host_counts.silenced += u64::from(host.is_silenced(now.tick));
            for alert in &host.persistent.alerts {
                match alert.level {
                    Level::Ok => {}
                    Level::Warning => host_counts.warnings += 1,
                    Level::Critical => host_counts.criticals += 1,
                }
            }
        }
        host_counts
    }

    /// Returns the number of blind spans since the start.
    #[must_use]
    pub fn blind_count(&self) -> u64 {
        self.blind_count
    }
}
