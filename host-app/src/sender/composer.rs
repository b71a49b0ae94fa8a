//! Composes this machine's datagrams, as many as its metrics need.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use annunciator_protocol::{Datagram, EncodeError, Event, Key};
use compact_str::CompactString;

use super::counter::Counter;

/// The fields that all datagrams of this machine share, and their counter.
#[derive(Debug)]
pub(super) struct Composer {
    host: CompactString,
    boot: CompactString,
    interval: Option<Duration>,
    key: Option<Key>,
    counter: Counter,
}

impl Composer {
    pub(super) fn new(
        host: CompactString,
        boot: CompactString,
        interval: Option<Duration>,
        key: Option<Key>,
    ) -> Self {
        Self {
            host,
            boot,
            interval,
            key,
            counter: Counter::default(),
        }
    }

    /// Composes the event's datagram, followed by as many heartbeats as all metrics need.
    pub(super) fn spread(
        &mut self,
        event: Event,
        metrics: Vec<(CompactString, f64)>,
    ) -> Result<Vec<Vec<u8>>, EncodeError> {
        let mut event = Some(event);
        let mut parts = vec![metrics];
        let mut written = Vec::new();
        while let Some(part) = parts.pop() {
            let mut datagram = self.datagram(event.clone().unwrap_or(Event::Heartbeat), part);
            match datagram.encode(self.key.as_ref()) {
                Ok(bytes) => {
                    event = None;
                    written.push(bytes);
                }
                Err(EncodeError::TooLong(_) | EncodeError::TooManyMetrics(_))
                    if !datagram.metrics.is_empty() =>
                {
                    let half = datagram.metrics.len() / 2;
                    parts.push(datagram.metrics.split_off(half));
                    parts.push(datagram.metrics);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    fn datagram(&mut self, event: Event, metrics: Vec<(CompactString, f64)>) -> Datagram {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let sent_at_ms = since.map_or(-1, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        });
        Datagram {
            host: self.host.clone(),
            boot: self.boot.clone(),
            counter: self.counter.next(),
            sent_at_ms,
            event,
            interval: self.interval,
            metrics,
            signed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use annunciator_protocol::{Keyring, decode};
    use secrecy::SecretString;

    use super::*;

    #[track_caller]
    fn check(host: &str, message: &str, count: usize, path_length: usize) -> Vec<Datagram> {
        let key = Key::new("k1", &SecretString::from("canary-canary-canary")).unwrap();
        let keys = Keyring::new([key.clone()]).unwrap();
        let mut composer = Composer::new(host.into(), "b1".into(), None, Some(key));
        let metrics: Vec<(CompactString, f64)> = (0..count)
            .map(|at| {
                (
                    format!("m.{at:0width$}", width = path_length - 2),
                    at as f64,
                )
            })
            .map(|(path, value)| (path.into(), value))
            .collect();
        let event = Event::Message(message.to_owned());
        let written = composer.spread(event.clone(), metrics.clone()).unwrap();
        let read: Vec<Datagram> = written
            .iter()
            .map(|bytes| decode(bytes, &keys).unwrap())
            .collect();
        assert!(read.is_sorted_by(|a, b| a.counter < b.counter));
        assert_eq!(read[0].event, event);
        assert!(read[1..].iter().all(|read| read.event == Event::Heartbeat));
        let all: Vec<_> = read.iter().flat_map(|read| read.metrics.clone()).collect();
        assert_eq!(all, metrics);
        read
    }

    #[test]
    fn when_all_fits_one_datagram() {
        assert_eq!(check("web-01", "x", 0, 10).len(), 1);
        assert_eq!(check("web-01", "x", 20, 23).len(), 1);
    }

    #[test]
    fn when_metrics_need_several_datagrams() {
        assert!(check("web-01", "x", 65, 4).len() == 2);
        assert!(check("web-01", "x", 500, 128).len() > 50);
        // A long message: its datagram has no room for a metric.
        let read = check(&"x".repeat(253), &"\"".repeat(380), 3, 128);
        assert!(read[0].metrics.is_empty());
    }

    #[test]
    fn when_nothing_makes_it_short_enough() {
        let mut composer = Composer::new("x".repeat(253).into(), "b1".into(), None, None);
        let event = Event::Message("\"".repeat(512));
        let error = composer.spread(event, Vec::new()).unwrap_err();
        assert!(matches!(error, EncodeError::TooLong(_)));
    }
}
