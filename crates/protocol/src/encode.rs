//! Writes a datagram to bytes.
//!
//! Whatever is written here is accepted by [`decode`](crate::decode).

use std::{collections::HashSet, time::Duration};

use compact_str::CompactString;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::{
    datagram::{Datagram, Event},
    key::Key,
    limits::{
        MAX_ABSENCE, MAX_DATAGRAM_BYTES, MAX_HOST_BYTES, MAX_INTERVAL, MAX_MESSAGE_BYTES,
        MAX_METRICS, MAX_PATH_BYTES, MAX_TIME_MS, MIN_INTERVAL, VERSION,
    },
    name, signature,
};

/// An error returned when a datagram cannot be encoded.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// The host's name is invalid.
    #[error(
        "this is not the name of a host: write 1 to {MAX_HOST_BYTES} bytes of visible characters"
    )]
    Host,
    /// The boot's name is invalid.
    #[error("this is not the name of a boot: write 1 to 64 letters, digits, - or _")]
    Boot,
    /// The sender's clock is outside the years 1970 to 9999.
    #[error("the clock is before 1970 or after 9999: set it")]
    Time,
    /// The interval is out of range.
    #[error("the interval is out of range: it is at least 0.1 s and at most a day")]
    Interval,
    /// The expected absence is out of range.
    #[error("the expected absence is longer than 30 days")]
    Absence,
    /// The message is invalid.
    #[error("this is not a message: write one line of 1 to {MAX_MESSAGE_BYTES} bytes")]
    Message,
    /// A metric's path is invalid.
    #[error(
        "{0:?} is not the path of a metric: write monitor.metric, such as cpu_monitor.cpu_percent, without white space, in at most {MAX_PATH_BYTES} bytes"
    )]
    Path(CompactString),
    /// A metric's value is not finite.
    #[error("the value of {0} is not a finite number")]
    Value(CompactString),
    /// A metric has two values.
    #[error("{0} has two values")]
    Twice(CompactString),
    /// The datagram has more than [`MAX_METRICS`] metrics.
    #[error("{0} metrics are too many for one datagram, which takes {MAX_METRICS}")]
    TooManyMetrics(usize),
    /// The datagram would be longer than [`MAX_DATAGRAM_BYTES`].
    #[error("the datagram would have {0} bytes, and at most {MAX_DATAGRAM_BYTES} are allowed")]
    TooLong(usize),
    /// The datagram cannot be serialized.
    #[error("the datagram cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// The members in the order in which they are written. The version comes first, so that
/// other readers recognise it at once.
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
    #[serde(skip_serializing_if = "SerializedMetrics::is_empty")]
    metrics: SerializedMetrics<'a>,
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

struct SerializedMetrics<'a>(&'a [(CompactString, f64)]);

impl SerializedMetrics<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for SerializedMetrics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, value)| (path, value)))
    }
}

impl Datagram {
    /// Encodes the datagram as the payload of one UDP packet, signed if a key is
    /// given.
    /// The field [`signed`](Datagram::signed) has no effect. The result has at most
    /// [`MAX_DATAGRAM_BYTES`] bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if a field breaks a rule of the protocol or the datagram
    /// would be too long; each error says what to change.
    pub fn encode(&self, key: Option<&Key>) -> Result<Vec<u8>, EncodeError> {
        self.check()?;
        let (down_for, message) = match &self.event {
            Event::Shutdown { expected } => (expected.map(Seconds), None),
            Event::Message(text) => (None, Some(text.as_str())),
            Event::Heartbeat | Event::Boot => (None, None),
        };
        let mut bytes = Vec::with_capacity(MAX_DATAGRAM_BYTES);
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
            metrics: SerializedMetrics(&self.metrics),
            key: key.map(Key::id),
        };
        serde_json::to_writer(&mut bytes, &form)?;
        if let Some(key) = key {
            signature::append(&mut bytes, key);
        }
        if bytes.len() > MAX_DATAGRAM_BYTES {
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
        if !(0..=MAX_TIME_MS).contains(&self.sent_at_ms) {
            return Err(EncodeError::Time);
        }
        let intervals = MIN_INTERVAL..=MAX_INTERVAL;
        if self
            .interval
            .is_some_and(|interval| !intervals.contains(&interval))
        {
            return Err(EncodeError::Interval);
        }
        match &self.event {
            Event::Shutdown { expected } if expected.is_some_and(|time| time > MAX_ABSENCE) => {
                return Err(EncodeError::Absence);
            }
            Event::Message(text) if !name::is_message(text) => return Err(EncodeError::Message),
            _ => {}
        }
        if self.metrics.len() > MAX_METRICS {
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
