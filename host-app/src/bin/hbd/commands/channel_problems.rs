//! The problems of channels that the running monitor knows, for `hbd channels`.
//!
//! If no monitor runs, only the store has information.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::Path,
};

use annunciator::Alert;
use annunciator_monitor::{Overview, timestamp::format_timestamp};
use heartbeat::api::{Client, ClientError, StatusAnswer};
use serde::Deserialize as _;

use crate::output::{Output, one_line};

/// A problem of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChannelProblem {
    kind: String,
    sentence: String,
    since_ms: i64,
}

/// The channels of a running monitor, with their problems.
#[derive(Debug)]
pub(super) struct Seen {
    problems: BTreeMap<String, Vec<ChannelProblem>>,
    /// The monitor's channels.
    channels: BTreeSet<String>,
}

impl Seen {
    fn of(overview: &Overview) -> Self {
        Self {
            problems: by_channel(&overview.alerts),
            channels: overview
                .channels
                .iter()
                .map(|name| one_line(name))
                .collect(),
        }
    }

    /// Returns the problems of a channel.
    pub(super) fn problems(&self, channel: &str) -> &[ChannelProblem] {
        self.problems.get(channel).map_or(&[], Vec::as_slice)
    }

    /// Returns whether the monitor has a channel.
    pub(super) fn has(&self, channel: &str) -> bool {
        self.channels.contains(&one_line(channel))
    }

    /// Returns the monitor's channels that are not among these.
    pub(super) fn beyond<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let channels = self.channels.iter().map(String::as_str);
        channels.filter(|name| !names.iter().any(|one| one_line(one) == **name))
    }
}

/// Asks the monitor for its channels; returns `None` if it does not answer. Prints why,
/// unless no monitor runs.
pub(super) fn of_channels(control: &Path, output: &Output) -> Option<Seen> {
    let answer = Client::new(control).get("/status");
    let read = |json| StatusAnswer::deserialize(&json).map_err(|error| odd(&error));
    match answer.and_then(read) {
        Ok(status) => Some(Seen::of(&status.overview)),
        Err(ClientError::NoMonitor { source, .. }) if is_absent(source.kind()) => None,
        Err(error) => {
            output.warning(format!(
                "what the monitor knows of the channels is not shown: {error}"
            ));
            None
        }
    }
}

fn odd(error: &serde_json::Error) -> ClientError {
    ClientError::Odd(error.to_string())
}

/// Returns whether no monitor is there, as opposed to one that may not be asked.
fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

fn by_channel(alerts: &[Alert]) -> BTreeMap<String, Vec<ChannelProblem>> {
    let mut channels: BTreeMap<String, Vec<ChannelProblem>> = BTreeMap::new();
    for alert in alerts {
        let subject = alert.subject.strip_prefix("channel/");
        // A channel's name may contain slashes, too.
        let Some((name, kind)) = subject.and_then(|subject| subject.rsplit_once('/')) else {
            continue;
        };
        channels
            .entry(one_line(name))
            .or_default()
            .push(ChannelProblem {
                kind: kind.to_owned(),
                sentence: one_line(&alert.sentence),
                since_ms: alert.since_ms,
            });
    }
    channels
}

impl ChannelProblem {
    /// Returns the problem in a few words.
    pub(super) fn complaint(&self) -> String {
        let what = match self.kind.as_str() {
            "circuit_open" => "no delivery succeeds",
            "quota" => "takes nothing",
            "check" => "its check fails",
            "crashes" => "its plugin keeps crashing",
            other => other,
        };
        let since = format_timestamp(self.since_ms);
        if self.is_disabled() {
            return format!("disabled since {since}: `hbd status` says why");
        }
        format!("broken: {what}, since {since}: `hbd status` says more")
    }

    /// Returns whether the channel delivers nothing.
    pub(super) fn is_disabled(&self) -> bool {
        self.kind == "disabled"
    }

    /// Returns a sentence about the problem and what to do.
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
        let alert = |subject| json!({"subject": subject, "sentence": "!", "since_ms": 0});
        let subjects = ["store", "channel/a/check", "channel/a/b/quota"];
        let alerts = subjects.map(|subject: &str| Alert::deserialize(alert(subject)).unwrap());
        let alerts = by_channel(&alerts);
        let names: Vec<&str> = alerts.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "a/b"]);
        assert_eq!(
            alerts["a"][0].complaint(),
            "broken: its check fails, since 1970-01-01T00:00:00Z: `hbd status` says more"
        );
    }
}
