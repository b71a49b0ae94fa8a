//! What can be seen of a running monitor, as those who ask are answered.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use annunciator::Trouble;
use annunciator_protocol::Reject;
use serde::Serialize;

use crate::{
    machine::{BlindSpan, HostView, Silence},
    notify::{DeliveryCounts, HostDelivery},
    store::HistoryLine,
};

/// All hosts, and the monitor itself.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Overview {
    /// The version of the monitor.
    pub version: &'static str,
    /// Since when it runs, in milliseconds since the epoch.
    pub running_since_ms: i64,
    /// Now, by its clock.
    pub now_ms: i64,
    /// Where heartbeats are taken.
    pub listening: Vec<SocketAddr>,
    /// Whether datagrams must be signed, at least by some hosts.
    pub keys: bool,
    /// Why its state does not outlive it, where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_trouble: Option<String>,
    /// The channels that it has, be they disabled.
    pub channels: Vec<String>,
    /// What keeps people from being told.
    pub troubles: Vec<Trouble>,
    /// Datagrams that were taken.
    pub datagrams: u64,
    /// Datagrams that were refused, by reason; those that occurred.
    pub refused: BTreeMap<&'static str, u64>,
    /// Deliveries to channels, by what became of them.
    pub messages: DeliveryCounts,
    /// The hosts, in the order of their names.
    pub hosts: Vec<HostView>,
    /// The silences.
    pub silences: Vec<Silence>,
    /// The newest times in which the monitor did not see.
    pub blind_spans: Vec<BlindSpan>,
}

/// What is known of one host, and how that came about.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// The host as it is.
    pub host: HostView,
    /// Datagrams in its name that were refused since the monitor runs, by
    /// reason; those that occurred.
    pub refused: BTreeMap<&'static str, u64>,
    /// Where its messages go: channels and groups.
    pub channels: Vec<Arc<str>>,
    /// The last values of its metrics.
    pub metrics: Vec<(Arc<str>, f64)>,
    /// What happened to it, with the evidence; the newest lines.
    pub history: Vec<HistoryLine>,
    /// What was told about it; the newest messages.
    pub messages: Vec<HostDelivery>,
}

/// DeliveryCounts by the names of their reasons, but for those that are none.
pub(super) fn occurred(counts: impl Iterator<Item = (Reject, u64)>) -> BTreeMap<&'static str, u64> {
    counts
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| (reason.name(), count))
        .collect()
}
