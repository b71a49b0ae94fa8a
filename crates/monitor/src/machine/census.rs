//! How many hosts are in which state, for the numbers that a monitoring
//! system collects: one pass over the hosts, and nothing that names one.

use super::{
    state::Machine,
    time::Moment,
    view::{HostState, LinkState},
};
use crate::thresholds::Level;

/// The configured hosts, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// Hosts that were never heard.
    pub new: u64,
    /// Hosts by the state of their worst connection, as in
    /// [`LinkState::ALL`].
    pub known: [u64; LinkState::ALL.len()],
    /// Hosts whose heartbeat events are told.
    pub watched: u64,
    /// Hosts of which nothing is told for a while.
    pub silenced: u64,
    /// Metrics at the level `WARNING`.
    pub warnings: u64,
    /// Metrics at the level `CRITICAL`.
    pub criticals: u64,
}

impl Machine {
    /// Counts the configured hosts.
    #[must_use]
    pub fn census(&self, now: Moment) -> Census {
        let mut census = Census::default();
        for host in self.hosts.iter().filter(|host| host.settings.is_some()) {
            match self.state_of(host, now.tick) {
                HostState::New => census.new += 1,
                HostState::Known(state) => {
                    let place = LinkState::ALL.iter().position(|known| *known == state);
                    if let Some(count) = place.and_then(|place| census.known.get_mut(place)) {
                        *count += 1;
                    }
                }
            }
            census.watched += u64::from(host.is_watched());
            census.silenced += u64::from(host.is_silenced(now.tick));
            for alert in &host.kept.alerts {
                match alert.level {
                    Level::Ok => {}
                    Level::Warning => census.warnings += 1,
                    Level::Critical => census.criticals += 1,
                }
            }
        }
        census
    }

    /// How often the monitor did not see, since it was started.
    #[must_use]
    pub fn blind_count(&self) -> u64 {
        self.blind_count
    }
}
