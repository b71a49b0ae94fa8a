//! The state machine: turns datagrams and the passing of time into notices for people.
//!
//! It does no I/O and reads no clock. [`Machine::observe`] processes a datagram,
//! [`Machine::ping`] a ping, [`Machine::advance`] advances time, and [`Machine::take_step`] returns the result:
//! notices, and the changes to write before anybody is notified. [`Machine::restore`]
//! continues from the stored state.
//!
//! `link`, `job` and `host` are the state, `observe` processes datagrams, `ping` pings, `advance` advances time,
//! `sample` compares metrics with their thresholds, `mass_silence` groups events of many
//! hosts, `damper` suppresses flapping, `silence` suppresses on request, `blind` handles
//! times in which the monitor did not receive, and `host_counts` counts hosts by state.

mod advance;
mod blind;
mod configure;
mod damper;
mod family;
mod freshness;
mod host;
mod host_counts;
mod host_state;
mod job;
mod link;
mod mass_silence;
mod metrics;
mod notice;
mod observe;
mod ping;
mod record;
mod sample;
mod settings;
mod silence;
mod state;
mod time;
mod view;

#[cfg(test)]
mod tests;

pub use blind::BlindSpan;
pub use family::LinkFamily;
pub use host_counts::HostCounts;
pub use host_state::{HostState, LinkState};
pub use job::{Job, PingReport};
pub use mass_silence::Held;
pub use notice::{Connection, Entry, Lapse, Notice, Occurrence, Steadiness};
pub use record::{Globals, HostRecord, Seen, Silence, Snapshot, Step, SuppressedNotice};
pub use settings::{Flap, HostSettings, Mass, Settings, Window};
pub use silence::UnknownHost;
pub use state::Machine;
pub use time::{Moment, Tick};
pub use view::{AlertView, HostView, LinkView, MetricView};
