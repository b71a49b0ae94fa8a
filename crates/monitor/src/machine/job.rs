//! What a host's pings say of its job: the runs that have begun, and the last reports with the
//! job's output.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::time::Moment;
use crate::ping::{Ping, Signal};

/// The number of runs of a job that are known at a time. Further ones are not timed.
const MAX_RUNS: usize = 8;

/// A run that has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct StartedRun {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    at: Moment,
}

/// A ping with its output, as people are shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PingReport {
    /// What the job said.
    pub signal: Signal,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// How long the run took, in milliseconds, if it has ended and its start is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The output: the body of the ping, at most
    /// [`MAX_PING_BODY`](crate::ping::MAX_PING_BODY) bytes.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub body: Box<str>,
    /// Whether the body was longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// What the pings of a host say of its job.
///
/// It is bounded: the last report of each kind (success, failure, start, log) is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<StartedRun>,
    reports: Vec<PingReport>,
}

impl Job {
    /// Records a ping. Runs that have lasted for longer than the grace no longer count once
    /// another one ends. Returns how long the run took that has ended.
    pub(super) fn take(&mut self, ping: &Ping, grace: Duration, now: Moment) -> Option<Duration> {
        let took = match ping.signal {
            Signal::Start => {
                self.begin(ping.run_id, now);
                None
            }
            Signal::Log => None,
            Signal::Success | Signal::Fail | Signal::ExitStatus(_) => {
                self.end(ping.run_id, grace, now)
            }
        };
        let kind = |signal: Signal| (signal.is_success(), signal == Signal::Log);
        self.reports
            .retain(|report| kind(report.signal) != kind(ping.signal));
        self.reports.push(PingReport {
            signal: ping.signal,
            at_ms: now.wall_ms,
            took_ms: took.and_then(|took| u64::try_from(took.as_millis()).ok()),
            body: ping.body.clone(),
            is_cut: ping.is_cut,
        });
        took
    }

    fn begin(&mut self, id: Option<Uuid>, now: Moment) {
        if id.is_some() && self.runs.iter().any(|run| run.id == id) {
            // The same request once more.
            return;
        }
        // The oldest stays: it is the one that is overdue first.
        self.runs.truncate(MAX_RUNS - 1);
        self.runs.push(StartedRun { id, at: now });
    }

    fn end(&mut self, id: Option<Uuid>, grace: Duration, now: Moment) -> Option<Duration> {
        let run = match id {
            Some(_) => self.runs.iter().position(|run| run.id == id),
            None => self.runs.len().checked_sub(1),
        };
        let took = run.map(|run| now.tick.since(self.runs[run].at.tick));
        match (id, run) {
            (Some(_), Some(run)) => drop(self.runs.remove(run)),
            (Some(_), None) => {}
            // Nobody can say which of them it was.
            (None, _) => self.runs.clear(),
        }
        self.runs.retain(|run| run.at.tick + grace > now.tick);
        took
    }

    /// Returns when the oldest of the runs began that have not ended.
    pub(super) fn oldest_start(&self) -> Option<Moment> {
        self.runs.first().map(|run| run.at)
    }

    /// Returns when the newest run began that has not ended, in milliseconds since the Unix
    /// epoch; `None` if none is known.
    #[must_use]
    pub fn running_since_ms(&self) -> Option<i64> {
        self.runs.last().map(|run| run.at.wall_ms)
    }

    /// Returns the last report of each kind, oldest first.
    #[must_use]
    pub fn reports(&self) -> &[PingReport] {
        &self.reports
    }
}
