//! The reason why a command failed, in JSON.

use serde_json::{Map, Value as Json, json};

/// The errors of standard error, for programs: `{"errors": [{"sentence": "…", "at":
/// "heartbeat.yaml:3:5", "help": "…"}]}`, and further details of a command. Only the
/// sentence is always present.
#[derive(Debug, Default)]
pub(super) struct Failure {
    errors: Vec<Map<String, Json>>,
    details: Map<String, Json>,
    /// Whether the last line was part of an error.
    is_about_error: bool,
}

impl Failure {
    /// Records a line: an error, or the advice that follows it. Warnings, notes and
    /// summaries are ignored.
    pub(super) fn note(&mut self, text: &str) {
        for line in text.lines() {
            let plain = line.trim_start_matches([' ', '|', '=']);
            let error = line.strip_prefix("error: ");
            if let Some(sentence) = error.or_else(|| line.strip_prefix("interrupted: ")) {
                let mut error = Map::new();
                error.insert("sentence".to_owned(), json!(sentence));
                self.errors.push(error);
                self.is_about_error = true;
            } else if ["warning: ", "note: "]
                .iter()
                .any(|it| line.starts_with(it))
            {
                // The advice that follows belongs to the warning.
                self.is_about_error = false;
            } else if let Some(place) = plain.strip_prefix("--> ") {
                self.add("at", place);
            } else if let Some(help) = ["help: ", "tip: "]
                .iter()
                .find_map(|it| plain.strip_prefix(it))
            {
                self.add("help", help);
            } else if line.starts_with("  ") {
                self.go_on(plain);
            }
        }
    }

    pub(super) fn detail(&mut self, name: &str, value: Json) {
        self.details.insert(name.to_owned(), value);
    }

    pub(super) fn into_json(mut self) -> Json {
        self.details.insert("errors".to_owned(), json!(self.errors));
        Json::Object(self.details)
    }

    /// Adds a detail to the last error.
    fn add(&mut self, name: &str, text: &str) {
        if let Some(error) = self.errors.last_mut().filter(|_| self.is_about_error) {
            error.entry(name).or_insert_with(|| json!(text));
        }
    }

    /// Continues the sentence of the last error, as the lines of a command-line error do.
    /// Lines behind a place are source lines and ignored.
    fn go_on(&mut self, text: &str) {
        let error = self.errors.last_mut().filter(|_| self.is_about_error);
        let error = error.filter(|error| !error.contains_key("at"));
        if let Some(Json::String(sentence)) = error.and_then(|error| error.get_mut("sentence")) {
            sentence.push(' ');
            sentence.push_str(text.trim());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_places_and_the_advice_that_follows() {
        let mut failure = Failure::default();
        failure.note("warning: nothing of it\nhelp: nor this");
        failure.note("error: channel a: unknown field\n --> h.yaml:3:5\n  |\n3 |   x: 1\n  |   ^\n  |\n  = help: did you mean `y`?\n");
        failure.note("h.yaml: 1 error");
        failure.note("warning: w\nhelp: nothing of an error\nerror: e");
        failure.note(
            "error: these are missing:\n  <--host <H>|--default>\n\nUsage: hbd\n\n  tip: try",
        );
        failure.note("error: there is no configuration");
        failure.note("help: name one with --config FILE");
        failure.detail("conflict", json!({"key": "k"}));
        let expected = json!({
            "errors": [
                {"sentence": "channel a: unknown field", "at": "h.yaml:3:5", "help": "did you mean `y`?"},
                {"sentence": "e"},
                {"sentence": "these are missing: <--host <H>|--default>", "help": "try"},
                {"sentence": "there is no configuration", "help": "name one with --config FILE"},
            ],
            "conflict": {"key": "k"},
        });
        assert_eq!(failure.into_json(), expected);
    }
}
