//! The state machine: from datagrams and the passing of time to what people
//! shall learn.
//!
//! It does no I/O and asks no clock: [`Machine::observe`] is told of each
//! datagram and [`Machine::advance`] of the time, and [`Machine::take_step`]
//! answers what came of it: notices to tell, and what to write before they
//! are told. [`Machine::restore`] goes on from what was written.
//!
//! `link` and `host` are what is known, `listen` takes datagrams, `judge`
//! lets time pass, `sample` compares metrics with their thresholds, `hold`
//! gathers what befalls many at once, `damper` quiets what changes too often,
//! `silence` keeps back, `blind` deals with times in which the monitor did not see, `census` counts.

mod blind;
mod census;
mod configure;
mod damper;
mod freshness;
mod hold;
mod host;
mod judge;
mod link;
mod listen;
mod metrics;
mod notice;
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
pub use census::Census;
pub use hold::Held;
pub use notice::{Connection, Entry, Notice, Steadiness, What};
pub use record::{Globals, HostRecord, KeptBack, Seen, Silence, Snapshot, Step};
pub use settings::{Flap, HostSettings, Mass, Settings, Window};
pub use silence::UnknownHost;
pub use state::Machine;
pub use time::{Moment, Tick};
pub use view::{AlertView, HostState, HostView, LinkState, LinkView};
