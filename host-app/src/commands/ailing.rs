//! What ails channels, by what the running monitor knows: for `hbd channels`.
//!
//! Where none runs there is nobody to ask, and the store has to do.

use std::{collections::BTreeMap, io::ErrorKind, path::Path};

use heartbeat::{
    control::{ClientError, Request, ask},
    machine::wall,
};
use serde_json::Value as Json;

use crate::output::{Output, one_line, plain};

/// One trouble of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ailment {
    kind: String,
    sentence: String,
    since_ms: i64,
}

/// The troubles of channels, by their names; `None` when no monitor says.
pub(super) fn of_channels(
    control: &Path,
    output: &Output,
) -> Option<BTreeMap<String, Vec<Ailment>>> {
    match ask(control, &Request::Status) {
        Ok(answer) => Some(by_channel(&plain(&answer))),
        Err(ClientError::NoMonitor { source, .. }) if is_absent(source.kind()) => None,
        Err(error) => {
            let error = one_line(&error.to_string());
            output.error(&format!(
                "warning: what the monitor knows of the channels is not shown: {error}"
            ));
            None
        }
    }
}

/// Whether nobody is there, rather than somebody who may not be asked.
fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

fn by_channel(answer: &Json) -> BTreeMap<String, Vec<Ailment>> {
    let mut channels: BTreeMap<String, Vec<Ailment>> = BTreeMap::new();
    for trouble in answer["troubles"].as_array().into_iter().flatten() {
        let subject = trouble["subject"].as_str();
        let subject = subject.and_then(|subject| subject.strip_prefix("channel/"));
        // A name may have slashes, too.
        let Some((name, kind)) = subject.and_then(|subject| subject.rsplit_once('/')) else {
            continue;
        };
        channels.entry(name.to_owned()).or_default().push(Ailment {
            kind: kind.to_owned(),
            sentence: trouble["sentence"].as_str().unwrap_or_default().to_owned(),
            since_ms: trouble["since_ms"].as_i64().unwrap_or_default(),
        });
    }
    channels
}

impl Ailment {
    /// What is wrong, in a few words.
    pub(super) fn complaint(&self) -> String {
        let what = match self.kind.as_str() {
            "out_of_order" => "out of order",
            "quota" => "takes nothing",
            "check" => "its check fails",
            "crashes" => "its plugin keeps crashing",
            other => other,
        };
        let since = wall(self.since_ms);
        format!("broken: {what}, since {since}: `hbd status` says more")
    }

    /// What is wrong, and what to do.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn troubles_belong_to_the_channels_that_their_subjects_name() {
        let trouble = |subject: &str| json!({"subject": subject, "sentence": "!", "since_ms": 0});
        let subjects = ["store", "channel/a/check", "channel/a/b/quota"];
        let answer = json!({"troubles": subjects.map(trouble)});
        let troubles = by_channel(&answer);
        let names: Vec<&str> = troubles.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "a/b"]);
        assert_eq!(
            troubles["a"][0].complaint(),
            "broken: its check fails, since 1970-01-01T00:00:00Z: `hbd status` says more"
        );
    }
}
