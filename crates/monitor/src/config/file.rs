//! The configuration as it stands in the file; its JSON Schema comes from these types.

use annunciator::Severity;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// The schema of a part of the file.
pub(super) fn schema_of<T: JsonSchema>() -> Json {
    schemars::schema_for!(T).to_value()
}

/// `monitor`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonitorFile {
    /// Where heartbeats are taken, such as `0.0.0.0:9677`; all IPv4 and IPv6
    /// addresses unless it is said.
    pub(super) listen: Option<Vec<String>>,
    /// The file that keeps the state over restarts, or `:memory:`.
    #[schemars(extend("x-annunciator-file" = "create"))]
    pub(super) state: Option<String>,
    /// The socket by which `hbd status` and others reach the monitor.
    pub(super) control: Option<String>,
    /// Where `/metrics` and `/healthz` are served, such as `127.0.0.1:9678`;
    /// nowhere unless it is said.
    pub(super) http: Option<String>,
    /// How often a heartbeat is expected of hosts that say nothing else.
    pub(super) interval: Option<String>,
    /// How late it may be.
    pub(super) grace: Option<String>,
    /// How many may be missing before a host is overdue; 1 unless it is said.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) misses: Option<u16>,
    /// How far a sender's clock may be off, or `off` for any.
    pub(super) max_skew: Option<String>,
    /// A time in which the monitor did not see is told of from this length on.
    pub(super) blind_notice: Option<String>,
    /// How long a shutdown of the monitor waits for messages under way.
    pub(super) drain: Option<String>,
    /// When many hosts fall silent at once.
    pub(super) mass_silence: Option<MassFile>,
    /// When a host changes too often to tell each change.
    pub(super) flapping: Option<FlapFile>,
    /// The keys that sign datagrams.
    #[serde(default)]
    pub(super) keys: Vec<KeyFile>,
}

/// `monitor.mass_silence`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MassFile {
    /// From how many hosts on they are told together.
    #[schemars(range(min = 2))]
    pub(super) hosts: Option<u32>,
    /// How long a single one is held to see whether others follow.
    pub(super) within: Option<String>,
}

/// `monitor.flapping`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FlapFile {
    /// From how many changes on.
    #[schemars(range(min = 2, max = 1000))]
    pub(super) changes: Option<u16>,
    /// Within this time.
    pub(super) within: Option<String>,
    /// After how long without a change it is steady again.
    pub(super) steady_after: Option<String>,
}

/// `monitor.keys`, one of them
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    /// Names the key in datagrams.
    pub(super) id: String,
    /// The secret, at least 16 characters.
    #[schemars(extend("writeOnly" = true))]
    pub(super) secret: String,
    /// The hosts that it counts for; all unless some are named.
    pub(super) hosts: Option<Vec<String>>,
}

/// The keys of a host that the monitor reads.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct HostFile {
    /// How often a heartbeat of this host is expected.
    pub(super) interval: Option<String>,
    /// How late it may be.
    pub(super) grace: Option<String>,
    /// How many may be missing before it is overdue.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) misses: Option<u16>,
}

/// `route_tests`, one of them
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteTestFile {
    /// The host that a message is about.
    pub(super) host: String,
    /// How bad it is; critical unless it is said.
    #[serde(default)]
    pub(super) severity: SeverityFile,
    /// When: a moment such as `2026-11-23 23:30`, in UTC unless it says otherwise,
    /// or a time of that Monday such as `23:30`; noon unless it is said.
    pub(super) at: Option<String>,
    /// The channels that are told at once, exactly these, in any order.
    #[serde(rename = "told")]
    pub(super) notified: Vec<String>,
    /// Those that would follow as later steps of groups; not looked at unless it
    /// is said.
    pub(super) later: Option<Vec<String>>,
    /// Those from which a rule keeps it; not looked at unless it is said.
    pub(super) kept_back: Option<Vec<String>>,
}

/// How bad it is, by name.
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
