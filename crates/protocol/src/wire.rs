//! The JSON of a datagram, read in one pass and borrowed where possible.
//!
//! Checks the form: the members, their types and ranges, and that none occurs twice.
//! Members that this version does not know are skipped.

use std::{borrow::Cow, collections::BTreeSet, fmt, hash::BuildHasher as _, time::Duration};

use compact_str::CompactString;
use foldhash::fast::FixedState;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::{
    limits::{
        MAX_ABSENCE, MAX_INTERVAL, MAX_METRICS, MAX_NESTING, MAX_TIME_MS, MIN_INTERVAL, VERSION,
    },
    name,
    reason::FailureReason,
    reject::Reject,
    scalar::{Number, Text},
    skip::Skip,
};

/// The initial capacity for metrics: a host with the usual ones needs no more.
const USUAL_METRICS: usize = 16;

/// A datagram of valid form. Its names and texts are not checked yet, except those of
/// metrics.
#[derive(Debug)]
pub(crate) struct Wire<'a> {
    pub(crate) host: Cow<'a, str>,
    pub(crate) boot: Cow<'a, str>,
    pub(crate) counter: u64,
    pub(crate) sent_at_ms: i64,
    pub(crate) event: Cow<'a, str>,
    pub(crate) interval: Option<Duration>,
    pub(crate) down_for: Option<Duration>,
    pub(crate) message: Option<Cow<'a, str>>,
    pub(crate) metrics: Vec<(CompactString, f64)>,
    pub(crate) key: Option<Cow<'a, str>>,
    /// Whether there is a member `hmac`, anywhere in the object.
    pub(crate) has_hmac: bool,
}

impl<'a> Wire<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Reject> {
        let reason = FailureReason::default();
        // Checked as a whole, which is faster than string by string.
        let text = std::str::from_utf8(bytes).map_err(|_| Reject::Malformed)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Members(&reason)
            .deserialize(&mut json)
            .and_then(|wire| json.end().map(|()| wire));
        read.map_err(|error| reason.of(&error))
    }
}

/// The members found so far; missing ones are detected at the end.
#[derive(Default)]
struct Found<'a> {
    version: Option<()>,
    host: Option<Cow<'a, str>>,
    boot: Option<Cow<'a, str>>,
    counter: Option<u64>,
    sent_at_ms: Option<i64>,
    event: Option<Cow<'a, str>>,
    interval: Option<Duration>,
    down_for: Option<Duration>,
    message: Option<Cow<'a, str>>,
    metrics: Option<Vec<(CompactString, f64)>>,
    key: Option<Cow<'a, str>>,
    hmac: Option<Cow<'a, str>>,
    unknown: BTreeSet<Cow<'a, str>>,
}

impl<'a> Found<'a> {
    fn into_wire(self) -> Option<Wire<'a>> {
        self.version?;
        Some(Wire {
            host: self.host?,
            boot: self.boot?,
            counter: self.counter?,
            sent_at_ms: self.sent_at_ms?,
            event: self.event?,
            interval: self.interval,
            down_for: self.down_for,
            message: self.message,
            metrics: self.metrics.unwrap_or_default(),
            key: self.key,
            has_hmac: self.hmac.is_some(),
        })
    }
}

/// Reads the whole object.
struct Members<'b>(&'b FailureReason);

impl Members<'_> {
    /// Reads a member that is a count.
    fn whole<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<u64, A::Error> {
        let value = members.next_value_seed(Number(self.0))?;
        value.whole().ok_or_else(|| self.0.error(Reject::Number))
    }

    /// Reads a member that is a duration in seconds.
    fn seconds<'de, A: MapAccess<'de>>(
        &self,
        members: &mut A,
        shortest: Duration,
        longest: Duration,
    ) -> Result<Duration, A::Error> {
        let value = members.next_value_seed(Number(self.0))?;
        value
            .seconds(shortest..=longest)
            .ok_or_else(|| self.0.error(Reject::Number))
    }

    fn time<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<i64, A::Error> {
        let time = i64::try_from(self.whole(members)?).ok();
        time.filter(|time| *time <= MAX_TIME_MS)
            .ok_or_else(|| self.0.error(Reject::Number))
    }

    /// Reads the version and fails at once if it differs: another version may have another
    /// form.
    fn version<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<(), A::Error> {
        let version = members.next_value_seed(Number(self.0))?.whole();
        if version == Some(VERSION) {
            Ok(())
        } else {
            Err(self.0.error(Reject::Version))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Wire<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Wire<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Wire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Wire<'de>, A::Error> {
        let mut found = Found::default();
        let it = &mut members;
        while let Some(name) = it.next_key_seed(Text)? {
            match &*name {
                "v" => once(&mut found.version, self.version(it)?),
                "host" => once(&mut found.host, it.next_value_seed(Text)?),
                "boot" => once(&mut found.boot, it.next_value_seed(Text)?),
                "n" => once(&mut found.counter, self.whole(it)?),
                "t" => once(&mut found.sent_at_ms, self.time(it)?),
                "event" => once(&mut found.event, it.next_value_seed(Text)?),
                "interval" => {
                    let interval = self.seconds(it, MIN_INTERVAL, MAX_INTERVAL)?;
                    once(&mut found.interval, interval)
                }
                "down_for" => {
                    let absence = self.seconds(it, Duration::ZERO, MAX_ABSENCE)?;
                    once(&mut found.down_for, absence)
                }
                "message" => once(&mut found.message, it.next_value_seed(Text)?),
                "metrics" => once(&mut found.metrics, it.next_value_seed(MetricsSeed(self.0))?),
                "key" => once(&mut found.key, it.next_value_seed(Text)?),
                "hmac" => once(&mut found.hmac, it.next_value_seed(Text)?),
                _ => {
                    it.next_value_seed(Skip(MAX_NESTING))?;
                    found.unknown.insert(name).then_some(())
                }
            }
            .ok_or_else(|| A::Error::custom("a member is given twice"))?;
        }
        let wire = found.into_wire();
        wire.ok_or_else(|| A::Error::custom("a member is missing"))
    }
}

/// Fills an empty option; returns `None` if it was filled before.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// Reads the metrics.
struct MetricsSeed<'b>(&'b FailureReason);

impl<'de> DeserializeSeed<'de> for MetricsSeed<'_> {
    type Value = Vec<(CompactString, f64)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MetricsSeed<'_> {
    type Value = Vec<(CompactString, f64)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut metrics: Self::Value = Vec::with_capacity(USUAL_METRICS);
        let mut marks = 0;
        while let Some(path) = members.next_key_seed(Text)? {
            let value = members.next_value_seed(Number(self.0))?.number();
            if metrics.len() == MAX_METRICS {
                return Err(self.0.error(Reject::TooManyMetrics));
            }
            if !name::is_path(&path) {
                return Err(self.0.error(Reject::Name));
            }
            if !value.is_finite() {
                return Err(self.0.error(Reject::Number));
            }
            // There are few: a path is compared only if its mark was seen before.
            let mark = 1_u64 << (FixedState::default().hash_one(&*path) % 64);
            let twice = marks & mark != 0 && metrics.iter().any(|(known, _)| *known == path);
            marks |= mark;
            if twice {
                return Err(A::Error::custom("a metric is given twice"));
            }
            metrics.push((CompactString::from(path), value));
        }
        Ok(metrics)
    }
}
