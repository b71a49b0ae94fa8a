//! Why a command failed, as JSON.

use serde_json::{Map, Value as Json, json};

/// What was told on standard error, for programs:
/// `{"errors": [{"sentence": "…", "at": "heartbeat.yaml:3:5", "help": "…"}]}`, and
/// whatever details a command adds. Only the sentence is always there.
#[derive(Debug, Default)]
pub(super) struct Failure {
    errors: Vec<Map<String, Json>>,
    details: Map<String, Json>,
}

impl Failure {
    /// Takes note of what is told: errors with the advice that follows them. Warnings,
    /// notes and summaries are none.
    pub(super) fn note(&mut self, text: &str) {
        for line in text.lines() {
            let plain = line.trim_start_matches([' ', '|', '=']);
            if let Some(sentence) =
                { line.strip_prefix("error: ") }.or_else(|| line.strip_prefix("interrupted: "))
            {
                let mut error = Map::new();
                error.insert("sentence".to_owned(), json!(sentence));
                self.errors.push(error);
            } else if line.starts_with("warning: ") {
                // The advice that follows is about that.
                return;
            } else if let Some(place) = plain.strip_prefix("--> ") {
                self.add("at", place);
            } else if let Some(help) = plain.strip_prefix("help: ") {
                self.add("help", help);
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

    /// Says more of the last error.
    fn add(&mut self, name: &str, text: &str) {
        if let Some(error) = self.errors.last_mut() {
            error.entry(name).or_insert_with(|| json!(text));
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
        failure.note("error: there is no configuration");
        failure.note("help: name one with --config FILE");
        failure.detail("conflict", json!({"key": "k"}));
        let expected = json!({
            "errors": [
                {"sentence": "channel a: unknown field", "at": "h.yaml:3:5", "help": "did you mean `y`?"},
                {"sentence": "there is no configuration", "help": "name one with --config FILE"},
            ],
            "conflict": {"key": "k"},
        });
        assert_eq!(failure.into_json(), expected);
    }
}
