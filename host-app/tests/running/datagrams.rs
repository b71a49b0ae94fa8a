//! Datagrams as hosts send them, sound and otherwise.

use std::time::{Duration, SystemTime};

use annunciator_protocol::{Datagram, Event, Key};
use secrecy::SecretString;

/// Now, in milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

/// A heartbeat of a host in its boot `b1`.
pub fn heartbeat(host: &str, counter: u64) -> Datagram {
    Datagram {
        host: host.into(),
        boot: "b1".into(),
        counter,
        sent_at_ms: now_ms(),
        event: Event::Heartbeat,
        interval: None,
        metrics: Vec::new(),
        signed: false,
    }
}

/// A heartbeat with the metric that the configuration has a threshold for.
pub fn busy(host: &str, counter: u64, percent: f64) -> Datagram {
    Datagram {
        metrics: vec![("cpu_monitor.cpu_percent".into(), percent)],
        ..heartbeat(host, counter)
    }
}

/// A shutdown.
pub fn shutdown(host: &str, counter: u64) -> Datagram {
    Datagram {
        event: Event::Shutdown {
            expected: Some(Duration::from_secs(3600)),
        },
        ..heartbeat(host, counter)
    }
}

pub fn key(id: &str, secret: &str) -> Key {
    Key::new(id, &SecretString::from(secret)).unwrap()
}
