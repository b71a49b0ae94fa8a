//! From a datagram to its bytes, as senders need it.
//!
//! Whatever leaves here is taken by [`decode`](super::decode).

use std::{collections::HashSet, time::Duration};

use compact_str::CompactString;
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::{
    datagram::{Datagram, Event},
    key::Key,
    limits::{
        LATEST_TIME_MS, LONGEST_ABSENCE, LONGEST_DATAGRAM, LONGEST_HOST, LONGEST_INTERVAL,
        LONGEST_MESSAGE, LONGEST_PATH, MOST_METRICS, SHORTEST_INTERVAL, VERSION,
    },
    name, signature,
};

/// Why something cannot be sent.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// The host's name.
    #[error("this is no name of a host: write 1 to {LONGEST_HOST} bytes of visible characters")]
    Host,
    /// The boot's name.
    #[error("this is no name of a boot: write 1 to 64 letters, digits, - or _")]
    Boot,
    /// The sender's time.
    #[error("the clock is before 1970 or after 9999: set it")]
    Time,
    /// The interval.
    #[error("the interval is out of range: it is at least 0.1 s and at most a day")]
    Interval,
    /// The expected absence.
    #[error("the expected absence is longer than 30 days")]
    Absence,
    /// The message.
    #[error("this is no message: write one line of 1 to {LONGEST_MESSAGE} bytes")]
    Message,
    /// A metric's path.
    #[error(
        "{0:?} is no path of a metric: write monitor.metric, such as cpu_monitor.cpu_percent, without white space, in at most {LONGEST_PATH} bytes"
    )]
    Path(CompactString),
    /// A metric's value.
    #[error("the value of {0} is not a finite number")]
    Value(CompactString),
    /// Two values for one metric.
    #[error("{0} has two values")]
    Twice(CompactString),
    /// Too many metrics.
    #[error("{0} metrics are too many for one datagram, which takes {MOST_METRICS}")]
    TooManyMetrics(usize),
    /// Too long.
    #[error("the datagram would have {0} bytes, and {LONGEST_DATAGRAM} are the most")]
    TooLong(usize),
    /// No JSON.
    #[error("the datagram cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// The members, in the order in which they are written: the version first, so
/// that others see at once that it is theirs.
#[derive(Serialize)]
struct Form<'a> {
    v: u64,
    host: &'a str,
    boot: &'a str,
    n: u64,
    t: i64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    down_for: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Metrics::is_empty")]
    metrics: Metrics<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 {
            serializer.serialize_u64(self.0.as_secs())
        } else {
            serializer.serialize_f64(self.0.as_secs_f64())
        }
    }
}

struct Metrics<'a>(&'a [(CompactString, f64)]);

impl Metrics<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Metrics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, value)| (path, value)))
    }
}

impl Datagram {
    /// Its bytes, signed when a key is given. Whether it was signed before does
    /// not matter.
    ///
    /// # Errors
    ///
    /// Something in it is not what the protocol allows, or all of it is too
    /// long for one datagram.
    pub fn encode(&self, key: Option<&Key>) -> Result<Vec<u8>, EncodeError> {
        self.check()?;
        let (down_for, message) = match &self.event {
            Event::Shutdown { expected } => (expected.map(Seconds), None),
            Event::Message(text) => (None, Some(text.as_str())),
            Event::Heartbeat | Event::Boot => (None, None),
        };
        let mut bytes = Vec::with_capacity(LONGEST_DATAGRAM);
        let form = Form {
            v: VERSION,
            host: &self.host,
            boot: &self.boot,
            n: self.counter,
            t: self.sent_at_ms,
            event: self.event.name(),
            interval: self.interval.map(Seconds),
            down_for,
            message,
            metrics: Metrics(&self.metrics),
            key: key.map(Key::id),
        };
        serde_json::to_writer(&mut bytes, &form)?;
        if let Some(key) = key {
            signature::append(&mut bytes, key);
        }
        if bytes.len() > LONGEST_DATAGRAM {
            return Err(EncodeError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    fn check(&self) -> Result<(), EncodeError> {
        if !name::is_host(&self.host) {
            return Err(EncodeError::Host);
        }
        if !name::is_boot(&self.boot) {
            return Err(EncodeError::Boot);
        }
        if !(0..=LATEST_TIME_MS).contains(&self.sent_at_ms) {
            return Err(EncodeError::Time);
        }
        let intervals = SHORTEST_INTERVAL..=LONGEST_INTERVAL;
        if self
            .interval
            .is_some_and(|interval| !intervals.contains(&interval))
        {
            return Err(EncodeError::Interval);
        }
        match &self.event {
            Event::Shutdown { expected } if expected.is_some_and(|time| time > LONGEST_ABSENCE) => {
                return Err(EncodeError::Absence);
            }
            Event::Message(text) if !name::is_message(text) => return Err(EncodeError::Message),
            _ => {}
        }
        if self.metrics.len() > MOST_METRICS {
            return Err(EncodeError::TooManyMetrics(self.metrics.len()));
        }
        let mut seen = HashSet::with_capacity(self.metrics.len());
        for (path, value) in &self.metrics {
            if !name::is_path(path) {
                return Err(EncodeError::Path(path.clone()));
            }
            if !value.is_finite() {
                return Err(EncodeError::Value(path.clone()));
            }
            if !seen.insert(path) {
                return Err(EncodeError::Twice(path.clone()));
            }
        }
        Ok(())
    }
}
