//! One alert with labels, as Prometheus, Alertmanager and Grafana write it.

use std::time::Duration;

use annunciator::{Kind, Severity};
use serde_json::Value as Json;

use super::items::{By, Errors, REPEAT_INTERVAL};
use crate::{
    event::Event,
    word::{self, Moment},
};

/// The labels that name the host that an alert is about, the most deliberate first.
/// `instance` is the address that was scraped, which may be an exporter's, so it comes last:
/// kube-state-metrics has its own there, and the machine in `node`.
const HOST_LABELS: [&str; 5] = ["host", "hostname", "nodename", "node", "instance"];
/// The annotations that hold one line.
const TITLES: [&str; 2] = ["summary", "title"];
/// The annotations that hold the text.
const TEXTS: [&str; 2] = ["description", "message"];
/// The annotations with addresses that help.
const LINKS: [&str; 4] = ["runbook_url", "runbook", "dashboard_url", "dashboard"];

/// Labels or annotations: pairs of texts, in the order of their names.
type Pairs<'a> = Vec<(&'a str, String)>;

/// An alert as it was sent.
pub(super) struct Alert<'a> {
    json: &'a Json,
    labels: Pairs<'a>,
    annotations: Pairs<'a>,
    pub(super) starts_at: Option<i64>,
    pub(super) ends_at: Option<i64>,
    /// The name of its labels: equal labels have equal fingerprints.
    pub(super) fingerprint: String,
}

impl<'a> Alert<'a> {
    /// Reads an alert. Adds what is wrong with it, and returns nothing if it has no labels.
    pub(super) fn read(json: &'a Json, errors: &mut Errors<'_>) -> Option<Self> {
        let labels = pairs(json, "labels", errors);
        if labels.is_empty() {
            errors.wrong("labels", "an alert needs labels");
            return None;
        }
        let annotations = pairs(json, "annotations", errors);
        let mut moment = |field: &str| {
            let moment = json.get(field).map_or(Moment::Absent, Moment::of);
            if moment == Moment::Wrong {
                errors.wrong(field, "not a time of RFC 3339 between 1970 and 9999");
            }
            moment.at()
        };
        let (starts_at, ends_at) = (moment("startsAt"), moment("endsAt"));
        let sent = json.get("fingerprint").and_then(word::text);
        Some(Self {
            json,
            fingerprint: sent.unwrap_or_else(|| fingerprint(&labels)),
            labels,
            annotations,
            starts_at,
            ends_at,
        })
    }

    fn label(&self, name: &str) -> Option<&str> {
        value(&self.labels, name)
    }

    /// Returns a field of the alert that is text and not empty.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        self.json.get(name).and_then(word::text)
    }

    /// Makes the event, which has ended or not.
    pub(super) fn event(&self, has_ended: bool, by: &By, errors: &mut Errors<'_>) -> Event {
        let mut event = Event::empty();
        event.kind = Kind::Problem;
        event.incident = Some(self.fingerprint.clone());
        event.host = self.host();
        event.severity = self.severity();
        let first = |names: &[&str]| {
            let mut found = names
                .iter()
                .filter_map(|name| value(&self.annotations, name));
            found.next().map(str::to_owned)
        };
        let title = first(&TITLES).or_else(|| self.label("alertname").map(str::to_owned));
        event.text = first(&TEXTS).unwrap_or_default();
        if title.is_none() && event.text.is_empty() {
            // Its labels say what it is about.
            let labels = self.labels.iter();
            let labels = labels.map(|(name, value)| format!("{name}={value}"));
            event.text = labels.collect::<Vec<_>>().join("\n");
        }
        event.title = title;
        event.occurred_at_ms = self.starts_at;
        self.links(&mut event, errors);
        for (name, value) in &self.labels {
            event.add(name, value);
        }
        self.keys(&mut event, by, has_ended);
        if has_ended {
            event.resolve(self.starts_at, self.ends_at);
        }
        event
    }

    fn host(&self) -> Option<String> {
        HOST_LABELS.iter().find_map(|name| match *name {
            "instance" => self.label(name).map(host_of),
            _ => self.label(name).map(str::to_owned),
        })
    }

    /// A label that says something else, or none at all, is a warning: somebody wrote a rule
    /// so that people learn of it.
    fn severity(&self) -> Severity {
        let said = self.label("severity").or_else(|| self.label("priority"));
        said.and_then(word::severity).unwrap_or(Severity::Warning)
    }

    fn links(&self, event: &mut Event, errors: &mut Errors<'_>) {
        event.url = self.field("generatorURL").and_then(|url| {
            let link = word::link(&url);
            if link.is_none() {
                errors.wrong("generatorURL", "not an address of http or https");
            }
            link
        });
        for name in LINKS {
            let Some(value) = value(&self.annotations, name) else {
                continue;
            };
            match word::link(value) {
                Some(link) if event.url.is_none() => event.url = Some(link),
                _ => event.add(name, value),
            }
        }
    }

    /// Sets the keys. An alert without a beginning has none: there is nothing to tell one of
    /// its occurrences from the next.
    fn keys(&self, event: &mut Event, by: &By, has_ended: bool) {
        let Some(starts_at) = self.starts_at else {
            return;
        };
        let base = format!("{}/{starts_at}", self.fingerprint);
        let ended = format!("{base}/resolved");
        if has_ended {
            event.key = Some(ended);
            return;
        }
        event.key = Some(match reminder(starts_at, by) {
            0 => format!("{base}/firing"),
            number => format!("{base}/firing/{number}"),
        });
        event.end_key = Some(ended);
    }
}

/// Returns the number of the period since a beginning that this moment is in. Two reminders
/// of a sender are further apart than a period, so that they are in different ones.
pub(super) fn reminder(since_ms: i64, by: &By) -> i64 {
    let period = by.remind_every.map(|period| period.as_millis());
    let Some(period) = period.and_then(|period| i64::try_from(period).ok()) else {
        return 0;
    };
    by.now_ms.saturating_sub(since_ms).max(0) / period.max(1)
}

/// Returns the period of reminders, or that of the defaults.
pub(super) fn period(by: &By) -> Duration {
    by.remind_every.unwrap_or(REPEAT_INTERVAL)
}

/// Reads labels or annotations. Their values are texts in all three programs, and a number
/// of another sender becomes one.
fn pairs<'a>(json: &'a Json, field: &str, errors: &mut Errors<'_>) -> Pairs<'a> {
    let pairs = match json.get(field) {
        Some(Json::Object(pairs)) => pairs,
        None | Some(Json::Null) => return Vec::new(),
        Some(_) => {
            errors.wrong(field, "names with their values are expected here");
            return Vec::new();
        }
    };
    let mut read = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        match value {
            Json::Object(_) | Json::Array(_) => {
                errors.wrong(&format!("{field}.{name}"), "text is expected here");
            }
            // An empty label is the same as none.
            // https://prometheus.io/docs/concepts/data_model/
            value => read.extend(word::text(value).map(|value| (name.as_str(), value))),
        }
    }
    read
}

fn value<'a>(pairs: &'a Pairs<'_>, name: &str) -> Option<&'a str> {
    let mut pairs = pairs.iter();
    let found = pairs.find(|(known, _)| *known == name);
    found.map(|(_, value)| value.trim())
}

/// Returns the fingerprint of labels in the order of their names: FNV-1a of 64 bits over
/// names and values with a byte 255 after each, which is what Alertmanager computes
/// (<https://github.com/prometheus/common/blob/main/model/fnv.go>,
/// <https://github.com/prometheus/common/blob/main/model/signature.go>), so that `amtool`
/// and this crate name an alert alike.
fn fingerprint(labels: &Pairs<'_>) -> String {
    const OFFSET: u64 = 14_695_981_039_346_656_037;
    const PRIME: u64 = 1_099_511_628_211;
    const SEPARATOR: u8 = 255;
    let mut hash = OFFSET;
    for text in labels.iter().flat_map(|(name, value)| [*name, value]) {
        for byte in text.bytes().chain([SEPARATOR]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
    format!("{hash:016x}")
}

/// Returns the host of an `instance`: without its port, and of an address that was probed
/// the host in it.
fn host_of(instance: &str) -> String {
    if instance.contains("://")
        && let Ok(url) = url::Url::parse(instance)
        && let Some(host) = url.host_str()
    {
        return host.trim_matches(['[', ']']).to_owned();
    }
    let without_port = match instance.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|one| one.is_ascii_digit()) => {
            // An address of IPv6 without a port has colons, and no brackets.
            let is_v6 = host.contains(':') && !host.ends_with(']');
            if is_v6 { instance } else { host }
        }
        _ => instance,
    };
    without_port.trim_matches(['[', ']']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_host_without_its_port() {
        for (instance, host) in [
            ("prod-web-01:9100", "prod-web-01"),
            ("prod-web-01", "prod-web-01"),
            ("10.0.0.5:9100", "10.0.0.5"),
            ("[2001:db8::1]:9100", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("https://example.org:8443/health?x=1", "example.org"),
            ("https://[2001:db8::1]/", "2001:db8::1"),
            ("odd:name", "odd:name"),
            (":", ":"),
        ] {
            assert_eq!(host_of(instance), host, "{instance}");
        }
    }

    #[test]
    fn reminders_are_numbered_by_the_periods_since_the_beginning() {
        let hour = 3_600_000;
        let by = |now_ms| By {
            now_ms,
            remind_every: Some(Duration::from_secs(4 * 3600)),
        };
        for (now, number) in [(0, 0), (4 * hour - 1, 0), (4 * hour, 1), (9 * hour, 2)] {
            assert_eq!(reminder(0, &by(now)), number);
        }
        // A sender's clock may be ahead.
        assert_eq!(reminder(hour, &by(0)), 0);
    }
}
