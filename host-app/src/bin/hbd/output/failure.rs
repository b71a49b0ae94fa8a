//! The reason why a command failed, in JSON.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

/// An error, for programs. Only the sentence is always present.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ErrorDetails {
    /// What is wrong.
    pub(crate) sentence: String,
    /// The place in a file: `heartbeat.yaml:3:5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
}

/// The errors of a command: `{"errors": [{"sentence": "…", "at": "heartbeat.yaml:3:5",
/// "help": "…"}]}`, and further details of a command.
#[derive(Debug, Default)]
pub(super) struct Failure {
    errors: Vec<ErrorDetails>,
    details: Map<String, Json>,
    /// Whether advice that follows belongs to the last error, and not to a warning.
    is_about_error: bool,
}

impl Failure {
    pub(super) fn error(&mut self, error: ErrorDetails) {
        self.errors.push(error);
        self.is_about_error = true;
    }

    /// Notes that something else was printed: a warning, or a note.
    pub(super) fn other(&mut self) {
        self.is_about_error = false;
    }

    /// Adds advice to the last error, unless it has some or the advice is about something
    /// else.
    pub(super) fn help(&mut self, help: &str) {
        if let Some(error) = self.errors.last_mut().filter(|_| self.is_about_error) {
            error.help.get_or_insert_with(|| help.to_owned());
        }
    }

    pub(super) fn detail(&mut self, name: &str, value: Json) {
        self.details.insert(name.to_owned(), value);
    }

    pub(super) fn into_json(mut self) -> Json {
        self.details.insert("errors".to_owned(), json!(self.errors));
        Json::Object(self.details)
    }
}

impl ErrorDetails {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            ..Self::default()
        }
    }

    /// Reads an error of the command line, which clap has as text only: a paragraph of the
    /// sentence, then others, one of which may begin with a tip.
    pub(crate) fn of_usage(text: &str) -> Self {
        let mut paragraphs = text.split("\n\n");
        let sentence = paragraphs.next().unwrap_or_default();
        let sentence = sentence.strip_prefix("error: ").unwrap_or(sentence);
        let lines: Vec<&str> = sentence.lines().map(str::trim).collect();
        let tip = |line: &str| Some(line.trim().strip_prefix("tip: ")?.to_owned());
        Self {
            sentence: lines.join(" "),
            at: None,
            help: text.lines().find_map(tip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_belongs_to_the_error_before_it() {
        let mut failure = Failure::default();
        failure.other();
        failure.help("nothing of an error");
        failure.error(ErrorDetails::new("a"));
        failure.help("b");
        failure.error(ErrorDetails::new("c"));
        failure.other();
        failure.help("nothing of an error");
        failure.detail("conflict", json!({"key": "k"}));
        let expected = json!({
            "errors": [{"sentence": "a", "help": "b"}, {"sentence": "c"}],
            "conflict": {"key": "k"},
        });
        assert_eq!(failure.into_json(), expected);
    }

    #[test]
    fn an_error_of_the_command_line_has_its_sentence_and_its_tip() {
        let text =
            "error: these are missing:\n  <--host <H>|--default>\n\n  tip: try\n\nUsage: hbd";
        let expected = ErrorDetails {
            help: Some("try".to_owned()),
            ..ErrorDetails::new("these are missing: <--host <H>|--default>")
        };
        assert_eq!(ErrorDetails::of_usage(text), expected);
    }
}
