//! What programs send, as they send it, through sources of a configuration file.
//!
//! The payloads in `tests/payloads` are in the shapes that the documentation and the source
//! of each program give: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>,
//! <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>,
//! <https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>,
//! <https://github.com/cloudevents/spec/blob/main/cloudevents/formats/json-format.md>,
//! <https://github.com/caronc/apprise-api#api-details>.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod alerts;
mod configured;
mod hostile;
mod messages;
mod templates;

use annunciator::{Config, Engine, Problems};
use annunciator_ingest::{Event, Request, Source, Sources, declare};
use annunciator_testkit::artefacts::plugin_folder;

/// A group of Alertmanager with an alert that fires and one that is resolved.
pub const ALERTMANAGER: &str = include_str!("../payloads/alertmanager.json");
/// An alert that fires, as Prometheus sends it each minute.
pub const PROMETHEUS: &str = include_str!("../payloads/prometheus.json");
/// What Alertmanager 0.25.0 sent when one of two alerts had ended.
pub const REAL_ALERTMANAGER: &str = include_str!("../payloads/alertmanager-0.25.json");
/// Two requests of Prometheus 2.42.0 in one list: of the same two alerts, the one that fires
/// and the one that has ended.
pub const REAL_PROMETHEUS: &str = include_str!("../payloads/prometheus-2.42.json");
/// A group of Grafana.
pub const GRAFANA: &str = include_str!("../payloads/grafana.json");
/// A batch of two CloudEvents.
pub const CLOUDEVENTS: &str = include_str!("../payloads/cloudevents.json");

/// November 23rd, 2026, 2:31 in UTC.
pub const NOW_MS: i64 = 1_795_401_060_000;

/// Checks a file, with one plugin, whose channels have the type `steady`.
pub fn check(text: &str) -> Result<(Config, Problems), Box<Problems>> {
    let plugins = plugin_folder(&["fixture-steady"]).unwrap();
    let builder = declare(Engine::builder("/nowhere/ingest.yaml")).plugin_dir(plugins.path());
    builder.check_text(text, &builder.find_plugins())
}

/// Returns the sources of a section, whose lines are given without their indentation.
pub fn sources(section: &str) -> Sources {
    let (config, _) = check(&file(section)).unwrap_or_else(|problems| panic!("{problems}"));
    Sources::of(&config)
}

/// Returns a file with a section.
pub fn file(section: &str) -> String {
    let lines = section.lines().map(|line| format!("  {line}\n"));
    format!("ingest:\n{}", lines.collect::<String>())
}

/// Reads a body by a source whose settings are given in one line.
pub fn read_all(settings: &str, body: &str) -> annunciator_ingest::Reading {
    let sources = sources(&format!("s: {settings}"));
    let source: &Source = sources.get("s").unwrap();
    let request = Request::new(body.as_bytes(), NOW_MS);
    source.read(&request).unwrap()
}

/// Reads a body in which nothing is wrong.
pub fn read(settings: &str, body: &str) -> Vec<Event> {
    let reading = read_all(settings, body);
    assert_eq!(reading.errors, []);
    reading.events
}

/// Returns an attribute of an event.
pub fn attribute<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    let mut attributes = event.attributes.iter();
    let found = attributes.find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}
