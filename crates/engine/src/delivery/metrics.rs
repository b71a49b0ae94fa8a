//! The metrics of deliveries and channels. They go to the recorder of the `metrics` facade that the
//! embedding program has installed.
//!
//! Each label has a bounded number of values: the names of configured channels, one word for all
//! ad-hoc channels, and words that are defined in this module.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use annunciator_store::Accounts;
use metrics::{
    SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use super::{report::ChannelReport, target_report::Class};
use crate::{alerts::ACTIVE_ALERTS, worker::WORKERS_ENDED};

const DELIVERIES: &str = "annunciator_deliveries_total";
const DELIVERY_SECONDS: &str = "annunciator_delivery_seconds";
const UNDER_WAY: &str = "annunciator_deliveries_under_way";
const CHANNELS: &str = "annunciator_channels";
const STORED: &str = "annunciator_stored_deliveries";
const DIFFERENCE: &str = "annunciator_accounts_difference";

/// The label of all ad-hoc channels, which are not in the configuration.
const AD_HOC: &str = "(ad hoc)";

/// Describes the metrics to the recorder.
pub(crate) fn describe() {
    describe_counter!(
        DELIVERIES,
        Unit::Count,
        "Notifications that were settled, by channel and by outcome: delivered to all targets, \
         or the worst of retry, unknown and permanent."
    );
    describe_histogram!(
        DELIVERY_SECONDS,
        Unit::Seconds,
        "The time from a notification's acceptance for a channel to its outcome."
    );
    describe_gauge!(
        UNDER_WAY,
        Unit::Count,
        "Deliveries that wait for their channel or are in flight."
    );
    describe_gauge!(
        ACTIVE_ALERTS,
        Unit::Count,
        "Active alerts: what keeps people from being notified, by kind."
    );
    describe_counter!(
        WORKERS_ENDED,
        Unit::Count,
        "Worker processes that ended while their channel needed them, by channel."
    );
    describe_gauge!(STORED, Unit::Count, "Deliveries in the store, by state.");
    describe_gauge!(
        DIFFERENCE,
        Unit::Count,
        "Accepted deliveries that are in no state: always 0."
    );
    describe_gauge!(
        CHANNELS,
        Unit::Count,
        "Configured channels that are open, or disabled because they could not be opened."
    );
}

/// Counts an ended delivery and records its duration.
pub(super) fn count_delivery(label: &SharedString, report: &ChannelReport) {
    let outcome = outcome(report);
    counter!(DELIVERIES, "channel" => label.clone(), "outcome" => outcome).increment(1);
    histogram!(DELIVERY_SECONDS, "channel" => label.clone()).record(report.duration.as_secs_f64());
}

/// Sets the gauges of the deliveries in the store.
pub(super) fn set_stored_deliveries(accounts: &Accounts) {
    for (state, count) in &accounts.states {
        gauge!(STORED, "state" => state.name()).set(*count as f64);
    }
    gauge!(DIFFERENCE).set(accounts.difference() as f64);
}

/// Returns one word for all targets: the outcome that most needs a person's attention.
fn outcome(report: &ChannelReport) -> &'static str {
    let is = |class| report.targets.iter().any(|target| target.class == class);
    if report.delivered {
        "delivered"
    } else if is(Class::Permanent) {
        "permanent"
    } else if is(Class::Unknown) {
        "unknown"
    } else {
        "retry"
    }
}

/// Returns the label of a channel.
pub(super) fn label(name: &Arc<str>, ad_hoc: bool) -> SharedString {
    if ad_hoc {
        SharedString::const_str(AD_HOC)
    } else {
        SharedString::from_shared(Arc::clone(name))
    }
}

/// Counts a delivery as under way until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(());

impl UnderWay {
    pub(crate) fn begin() -> Self {
        gauge!(UNDER_WAY).increment(1);
        Self(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        gauge!(UNDER_WAY).decrement(1);
    }
}

/// Counts a configured channel until it is dropped.
pub(super) struct Presence {
    state: &'static str,
    counted: AtomicBool,
}

impl Presence {
    pub(super) fn begin(is_open: bool, ad_hoc: bool) -> Self {
        let state = if is_open { "open" } else { "disabled" };
        if !ad_hoc {
            gauge!(CHANNELS, "state" => state).increment(1);
        }
        Self {
            state,
            counted: AtomicBool::new(!ad_hoc),
        }
    }

    pub(super) fn end(&self) {
        if self.counted.swap(false, Ordering::Relaxed) {
            gauge!(CHANNELS, "state" => self.state).decrement(1);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.end();
    }
}
