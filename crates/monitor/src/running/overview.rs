//! The answers of a running monitor to questions.

use std::{borrow::Cow, collections::BTreeMap, net::SocketAddr, sync::Arc};

use annunciator::Alert;
use annunciator_protocol::Reject;
use serde::{Deserialize, Serialize};

use crate::{
    machine::{BlindSpan, HostView, MetricView, PingReport, Silence},
    notify::{DeliveryCounts, HostDelivery},
    store::HistoryLine,
};

/// The state of all hosts and of the monitor itself.
///
/// Its JSON form is part of what `hbd status --json` prints.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Overview {
    /// The version of the monitor.
    pub version: Cow<'static, str>,
    /// When the monitor was started, in milliseconds since the Unix epoch.
    pub running_since_ms: i64,
    /// The current time, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The addresses at which heartbeats are received.
    pub listening: Vec<SocketAddr>,
    /// Whether keys are configured, so that at least some hosts must sign their datagrams.
    pub keys: bool,
    /// Why the state would not survive a restart; `None` if it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_problem: Option<String>,
    /// The configured channels, disabled ones included.
    pub channels: Vec<String>,
    /// The engine's active alerts: what keeps people from being notified.
    pub alerts: Vec<Alert>,
    /// How many datagrams were accepted.
    pub datagrams: u64,
    /// How many datagrams were refused, for each reason that occurred.
    pub refused: BTreeMap<Reject, u64>,
    /// How many pings were accepted.
    #[serde(default)]
    pub pings: u64,
    /// Deliveries to channels by state.
    pub messages: DeliveryCounts,
    /// The hosts, sorted by name.
    pub hosts: Vec<HostView>,
    /// The active silences.
    pub silences: Vec<Silence>,
    /// The newest blind spans, in which the monitor received nothing.
    pub blind_spans: Vec<BlindSpan>,
}

/// The state of one host, with the evidence.
///
/// Its JSON form is what `hbd explain --json` prints.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Explained {
    /// The host's current state.
    pub host: HostView,
    /// How many datagrams in its name were refused since the start, for each reason that
    /// occurred.
    pub refused: BTreeMap<Reject, u64>,
    /// The channels and groups that its messages go to.
    pub channels: Vec<Arc<str>>,
    /// The last values of its metrics with their thresholds, the worst first.
    pub metrics: Vec<MetricView>,
    /// The last ping of each kind (success, failure, start, log) with its output, oldest
    /// first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pings: Vec<PingReport>,
    /// The newest lines of its history, oldest first.
    pub history: Vec<HistoryLine>,
    /// The newest messages about it.
    pub messages: Vec<HostDelivery>,
}

/// Collects the counts of the reasons that occurred.
pub(super) fn occurred(counts: impl Iterator<Item = (Reject, u64)>) -> BTreeMap<Reject, u64> {
    counts.filter(|(_, count)| *count > 0).collect()
}
