//! The `monitor` section after its checks.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use annunciator::{Config, SectionProblem};
use annunciator_protocol::{Key, Keyring};
use secrecy::SecretString;
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::{
    MONITOR, duration,
    file::{KeyFile, MonitorFile, PingKeyFile},
    wrong,
};
use crate::{
    machine::{Flap, Mass, Settings, Window},
    ping::{PingKey, PingKeys},
};

/// The UDP port at which heartbeats are received by default.
pub const DEFAULT_PORT: u16 = 9677;
/// The minimum interval between heartbeats. Shorter ones would burden a network.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// The maximum of a duration in this section: a year. Nobody waits longer to learn that a
/// host is silent.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);
/// How long a shutdown waits for messages in flight: well below the 90 s after which
/// systemd kills a service (`DefaultTimeoutStopSec`).
const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Where the configuration stores the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateFile {
    /// In this file.
    File(PathBuf),
    /// In memory, as `:memory:` requests.
    Memory,
    /// Unset: the embedding program chooses.
    Unset,
}

/// The checked `monitor` section of a configuration.
#[derive(Debug)]
pub struct MonitorConfig {
    /// The addresses to receive heartbeats at.
    pub listen: Vec<SocketAddr>,
    /// Where to store the state.
    pub state: StateFile,
    /// The path for a control socket, which the embedding program may serve.
    pub control: Option<PathBuf>,
    /// The address for metrics and health, which the embedding program may serve.
    pub http: Option<SocketAddr>,
    /// The settings that apply to all hosts, without thresholds: see
    /// [`Hosts`](crate::Hosts).
    pub settings: Settings,
    /// The keys that verify datagrams.
    pub keys: Keyring,
    /// The keys of pings.
    pub ping_keys: PingKeys,
    /// How long [`Running::stop`](crate::Running::stop) waits for messages in flight.
    /// Default: 20 s.
    pub drain: Duration,
}

impl MonitorConfig {
    /// Returns the monitor's part of a configuration, which must have been loaded with
    /// [`declare`](crate::declare). The values are the defaults if the file has no
    /// `monitor` section.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let nothing = Json::Object(serde_json::Map::new());
        Self::read(config.section(MONITOR).unwrap_or(&nothing)).0
    }

    /// Reads a section that is valid for its schema. Returns the section, and the problems
    /// that a schema cannot find.
    pub(super) fn read(json: &Json) -> (Self, Vec<SectionProblem>) {
        let mut problems = Vec::new();
        let file = MonitorFile::deserialize(json).unwrap_or_else(|error| {
            problems.push(SectionProblem::error([""; 0], error.to_string()));
            MonitorFile::default()
        });
        let keys = keys(&file.keys, &mut problems);
        let ping_keys = ping_keys(&file.ping_keys, &mut problems);
        let monitor = Self {
            listen: listen(file.listen.as_deref(), &mut problems),
            state: match file.state.as_deref() {
                None => StateFile::Unset,
                Some(":memory:") => StateFile::Memory,
                Some(path) => StateFile::File(absolute("state", path, &mut problems)),
            },
            control: file
                .control
                .as_deref()
                .map(|path| absolute("control", path, &mut problems)),
            http: file
                .http
                .as_deref()
                .and_then(|text| address(&["http"], text, &mut problems)),
            settings: settings(&file, !keys.is_empty(), &mut problems),
            keys,
            ping_keys,
            drain: duration(
                file.drain.as_deref(),
                DEFAULT_DRAIN_TIMEOUT,
                &["drain"],
                &mut problems,
            ),
        };
        (monitor, problems)
    }
}

fn settings(file: &MonitorFile, keyed: bool, problems: &mut Vec<SectionProblem>) -> Settings {
    let default = Settings::default();
    let window = Window {
        interval: interval(file.interval.as_deref(), problems).unwrap_or(default.window.interval),
        grace: bounded(
            file.grace.as_deref(),
            default.window.grace,
            &["grace"],
            problems,
        ),
        misses: file.misses.unwrap_or(default.window.misses),
    };
    let mass = file.mass_silence.as_ref();
    let flap = file.flapping.as_ref();
    Settings {
        window,
        mass: Mass {
            hosts: mass
                .and_then(|mass| mass.hosts)
                .map_or(default.mass.hosts, |hosts| hosts as usize),
            within: bounded(
                mass.and_then(|mass| mass.within.as_deref()),
                default.mass.within,
                &["mass_silence", "within"],
                problems,
            ),
        },
        flap: Flap {
            changes: flap
                .and_then(|flap| flap.changes)
                .map_or(default.flap.changes, usize::from),
            within: bounded(
                flap.and_then(|flap| flap.within.as_deref()),
                default.flap.within,
                &["flapping", "within"],
                problems,
            ),
            steady_after: bounded(
                flap.and_then(|flap| flap.steady_after.as_deref()),
                default.flap.steady_after,
                &["flapping", "steady_after"],
                problems,
            ),
        },
        max_skew: match file.max_skew.as_deref() {
            Some("off") => {
                if keyed {
                    let sentence = "datagrams recorded long ago could be replayed";
                    let help = "with keys, set how far a sender's clock may be off, such as 1h";
                    wrong(problems, &["max_skew"], sentence, help);
                }
                None
            }
            text => {
                let default = default.max_skew.unwrap_or_default();
                Some(bounded(text, default, &["max_skew"], problems))
            }
        },
        blind_notice: bounded(
            file.blind_notice.as_deref(),
            default.blind_notice,
            &["blind_notice"],
            problems,
        ),
        keyed,
        sets: Vec::new(),
        schedules: Vec::new(),
    }
}

/// Parses the interval, if the file has one.
pub(super) fn interval(text: Option<&str>, problems: &mut Vec<SectionProblem>) -> Option<Duration> {
    let text = text?;
    let interval = bounded(Some(text), Duration::from_secs(10), &["interval"], problems);
    if interval < MIN_INTERVAL {
        let help = "expect a heartbeat ten times a second at most";
        wrong(
            problems,
            &["interval"],
            format!("`{text}` is too short"),
            help,
        );
    }
    Some(interval)
}

/// Parses a duration and checks that its length is within bounds.
pub(super) fn bounded(
    text: Option<&str>,
    default: Duration,
    path: &[&str],
    problems: &mut Vec<SectionProblem>,
) -> Duration {
    let found = duration(text, default, path, problems);
    if found > MAX_DURATION {
        let text = text.unwrap_or_default();
        wrong(
            problems,
            path,
            format!("`{text}` is longer than a year"),
            "write a shorter time",
        );
        return default;
    }
    found
}

fn listen(texts: Option<&[String]>, problems: &mut Vec<SectionProblem>) -> Vec<SocketAddr> {
    let Some(texts) = texts else {
        return vec![
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, DEFAULT_PORT)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT)),
        ];
    };
    if texts.is_empty() {
        let help = "name an address, or omit the key to receive everywhere";
        wrong(
            problems,
            &["listen"],
            "no heartbeat would ever be received",
            help,
        );
    }
    texts
        .iter()
        .enumerate()
        .filter_map(|(i, text)| address(&["listen", &i.to_string()], text, problems))
        .collect()
}

fn address(path: &[&str], text: &str, problems: &mut Vec<SectionProblem>) -> Option<SocketAddr> {
    let parsed = text.parse();
    if parsed.is_err() {
        let help = "write an IP address and a port, such as 127.0.0.1:9677 or [::1]:9677";
        wrong(problems, path, format!("`{text}` is not an address"), help);
    }
    parsed.ok()
}

fn absolute(field: &str, text: &str, problems: &mut Vec<SectionProblem>) -> PathBuf {
    let path = Path::new(text);
    if !path.is_absolute() {
        let sentence = format!("`{text}` depends on the folder that the monitor is started in");
        wrong(
            problems,
            &[field],
            sentence,
            "write the absolute path, from /",
        );
    }
    path.to_owned()
}

fn keys(files: &[KeyFile], problems: &mut Vec<SectionProblem>) -> Keyring {
    let mut keys: Vec<Key> = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let path = ["keys", &i.to_string()];
        let secret = SecretString::from(file.secret.trim());
        check_hosts(&file.hosts, [path[0], path[1]], problems);
        match Key::new(&file.id, &secret) {
            Ok(_) if keys.iter().any(|other| other.id() == file.id) => {
                let sentence = format!("there is another key `{}`", file.id);
                wrong(
                    problems,
                    &[path[0], path[1], "id"],
                    sentence,
                    "give each key an id of its own",
                );
            }
            Ok(key) => keys.push(match &file.hosts {
                Some(hosts) => key.for_hosts(hosts.iter().map(String::as_str)),
                None => key,
            }),
            Err(error) => {
                let help = "make a secret with `openssl rand -hex 32`, say";
                wrong(problems, &path, error.to_string(), help);
            }
        }
    }
    Keyring::new(keys).unwrap_or_default()
}

/// Checks that a key, of which this is the place, is valid for a host.
fn check_hosts(
    hosts: &Option<Vec<String>>,
    [section, number]: [&str; 2],
    problems: &mut Vec<SectionProblem>,
) {
    if hosts.as_ref().is_some_and(Vec::is_empty) {
        wrong(
            problems,
            &[section, number, "hosts"],
            "the key is valid for no host",
            "name hosts, or omit `hosts` for all",
        );
    }
}

fn ping_keys(files: &[PingKeyFile], problems: &mut Vec<SectionProblem>) -> PingKeys {
    let mut keys: Vec<PingKey> = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let number = i.to_string();
        let path = ["ping_keys", number.as_str(), "key"];
        check_hosts(&file.hosts, [path[0], path[1]], problems);
        let secret = SecretString::from(file.key.trim());
        match PingKey::new(&secret, file.hosts.as_deref()) {
            Ok(key) if keys.iter().any(|other| other.is_same_secret(&key)) => wrong(
                problems,
                &path,
                "there is another entry with this key",
                "give each entry a key of its own, or write one entry with all of its hosts",
            ),
            Ok(key) => keys.push(key),
            Err(error) => {
                let help = "make a key with `openssl rand -hex 16`, say";
                wrong(problems, &path, error.to_string(), help);
            }
        }
    }
    PingKeys::new(keys)
}
