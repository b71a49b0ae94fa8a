//! The monitor's own metrics, beside those of the engine: their names, their descriptions,
//! and their current values.
//!
//! Labels have few values, which are constants of this program or names of configured
//! channels. No host and no host's metric has a series of its own.

use std::time::Duration;

use annunciator::store::State;
use annunciator_monitor::{
    Monitor, Reloading,
    machine::{HostState, LinkState},
};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;
use tracing_appender::non_blocking::ErrorCounter;

const BUILD: &str = "hbd_build_info";
const STARTED: &str = "hbd_start_time_seconds";
const ACCEPTED: &str = "hbd_datagrams_accepted_total";
const REFUSED: &str = "hbd_datagrams_refused_total";
const PINGS: &str = "hbd_pings_total";
const PINGS_REFUSED: &str = "hbd_pings_refused_total";
const KEYS: &str = "hbd_keys_configured";
const HOSTS: &str = "hbd_hosts";
const WATCHED: &str = "hbd_hosts_watched";
const SILENCED: &str = "hbd_hosts_silenced";
const ALERTS: &str = "hbd_alerts_open";
const DROPPED: &str = "hbd_metrics_dropped_total";
const BLIND: &str = "hbd_blind_spans_total";
const NOTIFICATIONS: &str = "hbd_notifications_total";
const REDELIVERED: &str = "hbd_notifications_redelivered_total";
const WAITING: &str = "hbd_notifications_waiting";
const UNDER_WAY: &str = "hbd_notifications_under_way";
const WRITABLE: &str = "hbd_state_writable";
const HANDING_OVER: &str = "hbd_notifications_handing_over";
const LOG_DROPPED: &str = "hbd_log_lines_dropped_total";
const RELOADS: &str = "hbd_reloads_total";
const RELOAD_OK: &str = "hbd_last_reload_successful";
const RELOADED: &str = "hbd_last_reload_success_timestamp_seconds";

/// The maximum age of the delivery counts, which the store counts row by row.
const MAX_COUNT_AGE: Duration = Duration::from_secs(5);

/// How often collected values are tidied if nobody asks for them: the interval of the
/// exporter's own listener.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The engine's histogram. Its bounds are in seconds, and an attempt takes up to 30 s by
/// default.
const DELIVERY: &str = "annunciator_delivery_seconds";
const DELIVERY_SECONDS: [f64; 11] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// An error returned when metrics cannot be collected.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be collected: {0}")]
pub struct InstallError(String);

/// The collected metrics.
#[derive(Debug, Clone)]
pub struct Numbers {
    collected: PrometheusHandle,
    lost_lines: Option<ErrorCounter>,
}

impl Numbers {
    /// Starts to collect metrics for the whole process. Call it before the engine starts,
    /// since earlier events are not counted. `lost_lines` counts the lines that the log has
    /// lost, if it can lose any.
    ///
    /// # Errors
    /// Returns [`InstallError`] if another recorder is installed.
    pub fn install(lost_lines: Option<ErrorCounter>) -> Result<Self, InstallError> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(DELIVERY.to_owned()), &DELIVERY_SECONDS)
            .map_err(|error| InstallError(error.to_string()))?;
        let recorder = builder.build_recorder();
        let collected = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| InstallError(error.to_string()))?;
        describe();
        Ok(Self {
            collected,
            lost_lines,
        })
    }

    /// Returns all metrics in Prometheus' text format.
    pub(super) async fn render(&self, monitor: &Monitor, reloading: &Reloading) -> String {
        of_hosts(monitor);
        of_notifications(monitor).await;
        of_the_monitor(monitor, reloading);
        let lost = self.lost_lines.as_ref().map(ErrorCounter::dropped_lines);
        counter!(LOG_DROPPED).absolute(lost.unwrap_or_default() as u64);
        self.collected.render()
    }

    /// Frees the memory of collected values that nobody asks for, as long as it is polled.
    pub async fn tidy(self) {
        let mut upkeep = interval(UPKEEP_INTERVAL);
        loop {
            upkeep.tick().await;
            self.collected.run_upkeep();
        }
    }
}

fn describe() {
    let counters = [
        (ACCEPTED, "Datagrams that were accepted."),
        (
            REFUSED,
            "Datagrams that were refused, by reason; docs/protocol.md has the reasons.",
        ),
        (PINGS, "Pings of jobs that were accepted."),
        (
            PINGS_REFUSED,
            "Pings that were refused: by a key that nobody knows (`wrong_key`), or one for another host (`wrong_host`).",
        ),
        (
            DROPPED,
            "Values of metrics that were ignored, since their host has too many.",
        ),
        (
            BLIND,
            "Times in which the monitor received nothing, its absence before the start included.",
        ),
        (
            NOTIFICATIONS,
            "Messages to channels that ended, by outcome, over the life of the store of deliveries.",
        ),
        (
            REDELIVERED,
            "Messages that were sent again, since the process that sent them died before the outcome was known.",
        ),
        (
            LOG_DROPPED,
            "Lines of the log that were lost, since nobody read them.",
        ),
        (
            RELOADS,
            "How often the configuration was reloaded, by outcome.",
        ),
    ];
    for (name, meaning) in counters {
        describe_counter!(name, Unit::Count, meaning);
    }
    let gauges = [
        (BUILD, Unit::Count, "1, with the version as label."),
        (
            STARTED,
            Unit::Seconds,
            "When the monitor was started, since the Unix epoch.",
        ),
        (
            KEYS,
            Unit::Count,
            "1 when a key is configured for any host; 0 when everybody can send heartbeats.",
        ),
        (
            HOSTS,
            Unit::Count,
            "Configured hosts by state, that of their worst connection.",
        ),
        (
            WATCHED,
            Unit::Count,
            "Configured hosts whose heartbeat events people are notified of.",
        ),
        (
            SILENCED,
            Unit::Count,
            "Configured hosts whose notifications are silenced.",
        ),
        (ALERTS, Unit::Count, "Metrics beyond a threshold, by level."),
        (
            WAITING,
            Unit::Count,
            "Messages that wait for their channel.",
        ),
        (
            HANDING_OVER,
            Unit::Count,
            "Messages that are not in the store of deliveries yet.",
        ),
        (UNDER_WAY, Unit::Count, "Messages that are being sent."),
        (
            WRITABLE,
            Unit::Count,
            "1 when the state would survive a restart; 0 when the state file cannot be written.",
        ),
        (
            RELOAD_OK,
            Unit::Count,
            "1 when the last configuration that was read was accepted.",
        ),
        (
            RELOADED,
            Unit::Seconds,
            "When a configuration was last accepted, since the Unix epoch.",
        ),
    ];
    for (name, unit, meaning) in gauges {
        describe_gauge!(name, unit, meaning);
    }
}

fn of_hosts(monitor: &Monitor) {
    let (host_counts, dropped, blind) = monitor.look(|machine, now| {
        (
            machine.host_counts(now),
            machine.metrics_dropped(),
            machine.blind_count(),
        )
    });
    number(HOSTS, "state", HostState::NEW, host_counts.new);
    for (state, count) in LinkState::ALL.into_iter().zip(host_counts.known) {
        number(HOSTS, "state", state.name(), count);
    }
    gauge!(WATCHED).set(float(host_counts.watched));
    gauge!(SILENCED).set(float(host_counts.silenced));
    number(ALERTS, "level", "warning", host_counts.warnings);
    number(ALERTS, "level", "critical", host_counts.criticals);
    counter!(DROPPED).absolute(dropped);
    counter!(BLIND).absolute(blind);
}

async fn of_notifications(monitor: &Monitor) {
    let counts = monitor.counts(MAX_COUNT_AGE).await;
    for state in State::ALL {
        let count = counts.by_state.get(&state).copied();
        let count = count.unwrap_or_default();
        match state {
            State::Pending => gauge!(WAITING).set(float(count)),
            State::InFlight => gauge!(UNDER_WAY).set(float(count)),
            ended => counter!(NOTIFICATIONS, "state" => ended.name()).absolute(count),
        }
    }
    gauge!(HANDING_OVER).set(float(counts.handing_over));
    counter!(REDELIVERED).absolute(counts.redelivered);
}

fn of_the_monitor(monitor: &Monitor, reloading: &Reloading) {
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!(STARTED).set(seconds(monitor.running_since_ms()));
    counter!(ACCEPTED).absolute(monitor.refusals().accepted_count());
    for (reason, count) in monitor.refusals().counts() {
        counter!(REFUSED, "reason" => reason.name()).absolute(count);
    }
    let pings = monitor.ping_counts();
    counter!(PINGS).absolute(pings.accepted_count());
    for (reason, count) in pings.refused_counts() {
        counter!(PINGS_REFUSED, "reason" => reason).absolute(count);
    }
    gauge!(KEYS).set(truth(!monitor.keys().is_empty()));
    gauge!(WRITABLE).set(truth(monitor.state_problem().is_none()));
    let tally = reloading.tally();
    counter!(RELOADS, "outcome" => "accepted").absolute(tally.accepted);
    counter!(RELOADS, "outcome" => "rejected").absolute(tally.rejected);
    gauge!(RELOAD_OK).set(truth(tally.last_was_accepted));
    gauge!(RELOADED).set(seconds(tally.last_accepted_ms));
}

fn number(name: &'static str, label: &'static str, value: &'static str, count: u64) {
    gauge!(name, label => value).set(float(count));
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn seconds(ms: i64) -> f64 {
    // Exact for some hundred thousand years.
    ms as f64 / 1000.0
}

fn float(count: u64) -> f64 {
    // Exact up to 2^53.
    count as f64
}
