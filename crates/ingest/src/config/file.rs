//! The section `ingest` as it stands in the file; its JSON Schema comes from these types.

use std::collections::BTreeMap;

use annunciator::SectionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{formats::Format, mapping::Field};

/// The section's name.
pub(super) const INGEST: &str = "ingest";

/// Makes a problem of a field, with what would be right.
pub(super) fn wrong(path: Vec<String>, sentence: impl AsRef<str>, help: &str) -> SectionProblem {
    SectionProblem::error(path, sentence).help(help)
}

/// The section: sources by their names, each at `/in/NAME`.
pub(super) type IngestFile = BTreeMap<String, SourceFile>;

/// One source. The values of most keys are expressions over `item`, `payload`, `headers`,
/// `query`, `path` and `source`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    /// What the sender's payload looks like.
    pub(super) format: Format,
    /// The list of items, for the format `template`. Default: the payload is the only item.
    pub(super) each: Option<String>,
    /// Whether an item counts. Default: all do.
    pub(super) when: Option<String>,
    /// `message`, `problem` or `recovery`. Default: `problem` with an incident, else
    /// `message`.
    pub(super) kind: Option<String>,
    /// The name that a problem and its recovery have in common.
    pub(super) incident: Option<String>,
    /// The host that the event is about, whose channels are notified.
    pub(super) host: Option<String>,
    /// `info`, `warning` or `critical`.
    pub(super) severity: Option<String>,
    /// One line above the text.
    pub(super) title: Option<String>,
    /// The text.
    pub(super) text: Option<String>,
    /// The address of a page about the event.
    pub(super) url: Option<String>,
    /// Further facts by name.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    /// The idempotency key: events with the same key are delivered once.
    pub(super) key: Option<String>,
    /// When it happened: RFC 3339, or seconds or milliseconds since 1970.
    pub(super) occurred_at: Option<String>,
    /// The channels that are notified, instead of those of the host.
    pub(super) channels: Option<Vec<String>>,
    /// How often a problem that is sent again and again counts as a reminder, or `off`.
    /// Default: 4h for `alertmanager` and `grafana`, off for `prometheus`.
    pub(super) remind_every: Option<String>,
    /// A payload with which the expressions are tried when the file is checked.
    pub(super) example: Option<Json>,
    /// The events that the example gives, in order: of each the fields that matter.
    pub(super) expect: Option<Vec<ExpectFile>>,
}

impl SourceFile {
    /// Returns the keys of the file with expressions for single fields.
    pub(super) fn expressions(&self) -> [(Field, Option<&str>); 9] {
        [
            (Field::Kind, self.kind.as_deref()),
            (Field::Incident, self.incident.as_deref()),
            (Field::Host, self.host.as_deref()),
            (Field::Severity, self.severity.as_deref()),
            (Field::Title, self.title.as_deref()),
            (Field::Text, self.text.as_deref()),
            (Field::Url, self.url.as_deref()),
            (Field::Key, self.key.as_deref()),
            (Field::OccurredAt, self.occurred_at.as_deref()),
        ]
    }
}

/// What is expected of one event. A field that is not named may be anything, and `null`
/// means that there is none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFile {
    /// `message`, `problem` or `recovery`.
    pub(super) kind: Option<String>,
    /// The incident with the source's name, such as `ci/build`.
    #[serde(default, deserialize_with = "present")]
    pub(super) incident: Option<Option<String>>,
    /// The host.
    #[serde(default, deserialize_with = "present")]
    pub(super) host: Option<Option<String>>,
    /// `info`, `warning` or `critical`.
    pub(super) severity: Option<String>,
    /// The title.
    #[serde(default, deserialize_with = "present")]
    pub(super) title: Option<Option<String>>,
    /// The whole text.
    pub(super) text: Option<String>,
    /// The link.
    #[serde(default, deserialize_with = "present")]
    pub(super) url: Option<Option<String>>,
    /// Attributes that there are, among others.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    /// The idempotency key with the source's name.
    #[serde(default, deserialize_with = "present")]
    pub(super) key: Option<Option<String>>,
    /// When it happened, in RFC 3339.
    #[serde(default, deserialize_with = "present")]
    pub(super) occurred_at: Option<Option<String>>,
}

/// Reads a field that may be null, which is not the same as absent.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}
