//! The configuration as it stands in the file; its JSON Schema comes from these types.

use annunciator::Severity;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// Returns the JSON Schema of a part of the file.
pub(super) fn schema_of<T: JsonSchema>() -> Json {
    schemars::schema_for!(T).to_value()
}

/// The `monitor` section.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonitorFile {
    /// The addresses to receive heartbeats at, such as `0.0.0.0:9677`. Default: all IPv4
    /// and IPv6 addresses.
    pub(super) listen: Option<Vec<String>>,
    /// The file that stores the state over restarts, or `:memory:`.
    #[schemars(extend("x-annunciator-file" = "create"))]
    pub(super) state: Option<String>,
    /// The socket on which `hbd status` and other commands reach the monitor.
    pub(super) control: Option<String>,
    /// The former address of `/metrics` and `/healthz`, where whoever asks is answered, such as
    /// `127.0.0.1:9678`; the API's address serves them, too.
    /// Default: none.
    pub(super) http: Option<String>,
    /// The expected interval between heartbeats of hosts that announce none.
    pub(super) interval: Option<String>,
    /// How late a heartbeat may be.
    pub(super) grace: Option<String>,
    /// How many heartbeats may be missing before a host is overdue. Default: 1.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) misses: Option<u16>,
    /// The maximum deviation of a sender's clock, or `off` for any.
    pub(super) max_skew: Option<String>,
    /// The minimum length of a blind span that people are notified of.
    pub(super) blind_notice: Option<String>,
    /// How long a shutdown of the monitor waits for messages in flight.
    pub(super) drain: Option<String>,
    /// When the silence of many hosts at once is reported together.
    pub(super) mass_silence: Option<MassFile>,
    /// When a host that changes often counts as flapping.
    pub(super) flapping: Option<FlapFile>,
    /// The keys that sign datagrams.
    #[serde(default)]
    pub(super) keys: Vec<KeyFile>,
    /// The keys of the addresses at which jobs ping: `/ping/KEY/HOST`.
    #[serde(default)]
    pub(super) ping_keys: Vec<PingKeyFile>,
}

/// The `monitor.mass_silence` section.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MassFile {
    /// The minimum number of hosts that are reported together.
    #[schemars(range(min = 2))]
    pub(super) hosts: Option<u32>,
    /// How long the silence of one host is held to see whether others follow.
    pub(super) within: Option<String>,
}

/// The `monitor.flapping` section.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FlapFile {
    /// The minimum number of changes.
    #[schemars(range(min = 2, max = 1000))]
    pub(super) changes: Option<u16>,
    /// The period in which they happen.
    pub(super) within: Option<String>,
    /// How long without a change until the host is steady again.
    pub(super) steady_after: Option<String>,
}

/// An entry of `monitor.keys`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    /// The id of the key in datagrams.
    pub(super) id: String,
    /// The secret, at least 16 characters.
    #[schemars(extend("writeOnly" = true))]
    pub(super) secret: String,
    /// The hosts that the key applies to. Default: all.
    pub(super) hosts: Option<Vec<String>>,
}

/// An entry of `monitor.ping_keys`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PingKeyFile {
    /// The key, a secret: at least 16 letters, digits, `-`, `_`, `.` and `~`.
    #[schemars(extend("writeOnly" = true))]
    pub(super) key: String,
    /// The hosts that the key applies to. Default: all. The address of a key for one host is
    /// also `/ping/KEY`.
    pub(super) hosts: Option<Vec<String>>,
}

/// The keys of a host that belong to the monitor.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct HostFile {
    /// The expected interval between heartbeats of this host, or between its pings.
    pub(super) interval: Option<String>,
    /// When the host's job runs, which pings: a cron expression of five fields, such as
    /// `30 2 * * *`, or a name such as `@daily`.
    pub(super) schedule: Option<String>,
    /// The time zone of the schedule, such as `Europe/Berlin`. Default: UTC.
    pub(super) timezone: Option<String>,
    /// How late a heartbeat or a ping may be, and how long a run may take that has begun.
    pub(super) grace: Option<String>,
    /// How many heartbeats may be missing before the host is overdue.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) misses: Option<u16>,
}

/// An entry of `route_tests`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteTestFile {
    /// The host that the message is about.
    pub(super) host: String,
    /// The severity of the message. Default: critical.
    #[serde(default)]
    pub(super) severity: SeverityFile,
    /// The time: a moment such as `2026-11-23 23:30`, in UTC unless it has an offset, or a
    /// time of that Monday such as `23:30`. Default: noon.
    pub(super) at: Option<String>,
    /// The channels that are notified at once: exactly these, in any order.
    pub(super) notified: Vec<String>,
    /// The channels that are notified later, as steps of groups. Default: not checked.
    pub(super) later: Option<Vec<String>>,
    /// The channels whose delivery a rule suppresses. Default: not checked.
    pub(super) suppressed: Option<Vec<String>>,
}

/// A severity, by its name.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SeverityFile {
    Info,
    Warning,
    #[default]
    Critical,
}

impl From<SeverityFile> for Severity {
    fn from(severity: SeverityFile) -> Self {
        match severity {
            SeverityFile::Info => Self::Info,
            SeverityFile::Warning => Self::Warning,
            SeverityFile::Critical => Self::Critical,
        }
    }
}
