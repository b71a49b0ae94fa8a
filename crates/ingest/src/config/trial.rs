//! Runs the example of a source, and compares what it gives with what is expected.

use annunciator::SectionProblem;
use serde_json::Value as Json;

use super::file::{ExpectFile, SourceFile, wrong};
use crate::{
    error::{Fault, IngestError},
    event::Event,
    formats::Format,
    limits::quoted,
    request::Request,
    source::Source,
    word::Moment,
};

/// The time at which examples are read: Monday, November 23rd, 2026, at noon in UTC, so that
/// a file that was sound stays so.
const NOW_MS: i64 = 1_795_435_200_000;

/// Runs the example, if there is one.
pub(super) fn run(source: &Source, file: &SourceFile, problems: &mut Vec<SectionProblem>) {
    let Some(example) = &file.example else {
        return;
    };
    let trial = Trial { source, problems };
    let body = serde_json::to_vec(example).unwrap_or_default();
    let request = Request::new(&body, NOW_MS);
    let request = match (source.format(), example) {
        (Format::Cloudevents, Json::Array(_)) => {
            request.header("content-type", b"application/cloudevents-batch+json")
        }
        _ => request,
    };
    trial.compare(source.read(&request), file);
}

struct Trial<'a> {
    source: &'a Source,
    problems: &'a mut Vec<SectionProblem>,
}

impl Trial<'_> {
    fn compare(mut self, read: Result<crate::source::Reading, IngestError>, file: &SourceFile) {
        let expected = file.expect.as_deref();
        let events = match read {
            Ok(reading) => {
                reading.errors.iter().for_each(|error| self.failed(error));
                reading.events
            }
            Err(error) => return self.failed(&error),
        };
        let Some(expected) = expected else {
            return;
        };
        if expected.len() != events.len() {
            let sentence = format!(
                "expected {}, and the example gives {}",
                count(expected.len()),
                count(events.len())
            );
            self.add(
                &["expect".to_owned()],
                &sentence,
                "correct the mapping or the list",
            );
            return;
        }
        for (index, (expected, event)) in expected.iter().zip(&events).enumerate() {
            self.compare_event(index, expected, event);
        }
    }

    /// Reports an error of the example at the key that it is about.
    fn failed(&mut self, error: &IngestError) {
        let key = match (error.fault(), error.field_name()) {
            (Fault::Mapping, Some(field)) => field,
            _ => "example",
        };
        let path: Vec<String> = key.splitn(2, '.').map(str::to_owned).collect();
        let sentence = match error.fault() {
            Fault::Mapping => match error.item_index() {
                Some(item) => format!("{} (item {item} of the example)", error.sentence()),
                None => error.sentence().to_owned(),
            },
            Fault::Sender => error.to_string(),
        };
        self.add(&path, &sentence, "correct the mapping or the example");
    }

    fn compare_event(&mut self, index: usize, expected: &ExpectFile, event: &Event) {
        let text = |text: &str| Some(text.to_owned());
        let given = |value: &Option<String>| value.as_deref().map(|value| Some(value.to_owned()));
        let at = expected.occurred_at.clone();
        let at_ms = event.occurred_at_ms;
        let is_at = |at: &Option<String>| match at {
            None => at_ms.is_none(),
            Some(at) => Moment::of(&Json::String(at.clone())).at() == at_ms,
        };
        for (key, expected, found) in [
            ("kind", given(&expected.kind), text(event.kind.name())),
            (
                "severity",
                given(&expected.severity),
                text(event.severity.name()),
            ),
            ("text", given(&expected.text), text(&event.text)),
            (
                "incident",
                expected.incident.clone(),
                event.incident.clone(),
            ),
            ("host", expected.host.clone(), event.host.clone()),
            ("title", expected.title.clone(), event.title.clone()),
            ("url", expected.url.clone(), event.url.clone()),
            ("key", expected.key.clone(), event.key.clone()),
        ] {
            if let Some(expected) = expected {
                self.compare_field(index, &[key], expected.as_deref(), found.as_deref());
            }
        }
        if at.is_some_and(|at| !is_at(&at)) {
            let found = at_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            let found = found.map(|found| found.to_string());
            let said = expected.occurred_at.clone().flatten();
            self.compare_field(index, &["occurred_at"], said.as_deref(), found.as_deref());
        }
        for (name, value) in &expected.attributes {
            let mut attributes = event.attributes.iter();
            let found = attributes.find(|(known, _)| known == name);
            let found = found.map(|(_, value)| value.as_str());
            self.compare_field(index, &["attributes", name], Some(value), found);
        }
    }

    fn compare_field(
        &mut self,
        index: usize,
        key: &[&str],
        expected: Option<&str>,
        found: Option<&str>,
    ) {
        if expected == found {
            return;
        }
        let shown = |value: Option<&str>| value.map_or_else(|| "nothing".to_owned(), quoted);
        let sentence = format!("the example gives {}", shown(found));
        let mut path = vec!["expect".to_owned(), index.to_string()];
        path.extend(key.iter().map(|part| (*part).to_owned()));
        self.add(&path, &sentence, "correct the mapping or what is expected");
    }

    fn add(&mut self, path: &[String], sentence: &str, help: &str) {
        let path = [&[self.source.name().to_owned()], path].concat();
        self.problems.push(wrong(path, sentence, help));
    }
}

fn count(events: usize) -> String {
    match events {
        1 => "1 event".to_owned(),
        events => format!("{events} events"),
    }
}
