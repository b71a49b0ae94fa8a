//! A `threshold_config`: rules, and the interval of reminders of a lasting alert.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{
    condition::Condition,
    pattern::Pattern,
    rule::{Clear, Rule},
};

/// The default interval of reminders of a lasting alert: the specification's
/// "default: hourly".
pub const DEFAULT_RENOTIFY: Duration = Duration::from_secs(3600);
/// The minimum interval of reminders. Shorter ones would flood people.
const MIN_RENOTIFY: Duration = Duration::from_secs(1);
/// The maximum number of rules: every new metric is compared with all of them.
const MAX_RULES: usize = 1000;
const RENOTIFY: &str = "renotify";

/// When people are reminded of a lasting alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renotify {
    /// Whenever this long has passed since the last notification.
    Every(Duration),
    /// Never.
    Never,
}

/// A rule as it stands in the file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    /// The condition of a warning, such as `> 80`.
    warning: Option<String>,
    /// The condition of a critical alert, such as `> 90`.
    critical: Option<String>,
    /// The alert clears only below this value (hysteresis).
    clear_below: Option<f64>,
    /// The alert clears only above this value (hysteresis).
    clear_above: Option<f64>,
    /// How many consecutive samples it takes to get worse.
    #[serde(rename = "for")]
    #[schemars(range(min = 1, max = 255))]
    samples: Option<u8>,
}

/// A problem of a set, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetProblem {
    /// The path of the field within the set.
    pub path: Vec<String>,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether it is only a warning: the set is usable.
    pub warning: bool,
}

/// A set of rules: one `threshold_config`.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    rules: Vec<Rule>,
    /// When people are reminded of a lasting alert.
    pub renotify: Renotify,
}

impl Set {
    /// Returns the JSON Schema of a set in the configuration file.
    #[must_use]
    pub fn schema() -> Json {
        let rule = schemars::schema_for!(RuleFile).to_value();
        serde_json::json!({
            "type": "object",
            "description": "Paths of metrics, with `*` for one segment, and what is too much for them",
            "properties": {RENOTIFY: {
                "type": "string",
                "description": "The interval of reminders of a lasting alert, such as 1h, or never",
            }},
            "additionalProperties": rule,
        })
    }

    /// Reads a set that is valid for the schema, and adds its other problems to `problems`.
    #[must_use]
    pub fn read(json: &Json, problems: &mut Vec<SetProblem>) -> Self {
        let mut rules = Vec::new();
        let empty = Map::new();
        let fields = json.as_object().unwrap_or(&empty);
        let renotify = fields
            .get(RENOTIFY)
            .and_then(Json::as_str)
            .map_or(Ok(Renotify::Every(DEFAULT_RENOTIFY)), renotify);
        let renotify = renotify.unwrap_or_else(|sentence| {
            problems.push(SetProblem {
                path: vec![RENOTIFY.to_owned()],
                sentence,
                help: Some("write a number with its unit, such as 30s, or never".to_owned()),
                warning: false,
            });
            Renotify::Never
        });
        for (path, rule) in fields.iter().filter(|(path, _)| *path != RENOTIFY) {
            let mut finder = Finder { path, problems };
            rules.extend(finder.rule(rule));
        }
        if rules.len() > MAX_RULES {
            problems.push(SetProblem {
                path: Vec::new(),
                sentence: format!("it has {} rules, more than {MAX_RULES}", rules.len()),
                help: Some("write * for segments that differ".to_owned()),
                warning: false,
            });
        }
        // The first rule that matches applies.
        rules.sort_by_key(|rule| rule.pattern.wildcards());
        Self { rules, renotify }
    }

    /// Returns the index of the rule that applies to a metric: of those that match, the
    /// one with the fewest wildcards.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        self.rules
            .iter()
            .position(|rule| rule.pattern.matches(path))
    }

    /// Returns a rule by its index.
    #[must_use]
    pub fn rule(&self, number: usize) -> Option<&Rule> {
        self.rules.get(number)
    }
}

fn renotify(text: &str) -> Result<Renotify, String> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(Renotify::Never);
    }
    match humantime::parse_duration(text) {
        Ok(every) if every >= MIN_RENOTIFY => Ok(Renotify::Every(every)),
        Ok(_) => Err(format!("`{text}` is shorter than a second")),
        Err(_) => Err(format!("`{text}` is not a duration")),
    }
}

/// Collects the problems of one rule.
struct Finder<'a> {
    path: &'a str,
    problems: &'a mut Vec<SetProblem>,
}

impl Finder<'_> {
    fn rule(&mut self, json: &Json) -> Option<Rule> {
        let pattern = self.path.parse::<Pattern>();
        let pattern = pattern
            .map_err(|error| self.add("", error.to_string(), None, false))
            .ok();
        let file = RuleFile::deserialize(json);
        let file = file
            .map_err(|error| self.add("", error.to_string(), None, false))
            .ok()?;
        let warning = self.condition("warning", file.warning.as_deref());
        let critical = self.condition("critical", file.critical.as_deref());
        if file.warning.is_none() && file.critical.is_none() {
            let help = "write at least one of `warning: \"> 80\"` and `critical: \"> 90\"`";
            self.add(
                "",
                "the rule has no threshold".to_owned(),
                Some(help),
                false,
            );
        }
        if file.samples == Some(0) {
            let sentence = "at least 1 sample is required".to_owned();
            self.add("for", sentence, None, false);
        }
        let clear = match (file.clear_below, file.clear_above) {
            (Some(_), Some(_)) => {
                let sentence = "clear_below and clear_above exclude each other".to_owned();
                self.add("clear_above", sentence, None, false);
                None
            }
            (Some(bound), None) => Some(Clear::Below(bound)),
            (None, Some(bound)) => Some(Clear::Above(bound)),
            (None, None) => None,
        };
        self.order(warning, critical);
        if let Some(mildest) = warning.or(critical) {
            self.clearing(clear, mildest);
        }
        Some(Rule {
            pattern: pattern?,
            warning,
            critical,
            clear,
            samples: file.samples.unwrap_or(1).max(1),
        })
    }

    fn condition(&mut self, field: &str, text: Option<&str>) -> Option<Condition> {
        text?
            .parse()
            .map_err(|error: super::ConditionError| self.add(field, error.to_string(), None, false))
            .ok()
    }

    /// Reports a warning that can never occur, because the critical alert comes first.
    fn order(&mut self, warning: Option<Condition>, critical: Option<Condition>) {
        let (Some(warning), Some(critical)) = (warning, critical) else {
            return;
        };
        let reversed =
            (warning.looks_up() && critical.looks_up() && warning.bound() > critical.bound())
                || (warning.looks_down()
                    && critical.looks_down()
                    && warning.bound() < critical.bound());
        if reversed {
            let sentence = format!(
                "there will be no warning: `{critical}` is critical before `{warning}` holds"
            );
            self.add("warning", sentence, Some("exchange the two"), true);
        }
    }

    /// Reports a clearing value at which the alert would still hold.
    fn clearing(&mut self, clear: Option<Clear>, mildest: Condition) {
        let (field, contradicts) = match clear {
            Some(Clear::Below(bound)) => (
                "clear_below",
                mildest.looks_down() || (mildest.looks_up() && bound > mildest.bound()),
            ),
            Some(Clear::Above(bound)) => (
                "clear_above",
                mildest.looks_up() || (mildest.looks_down() && bound < mildest.bound()),
            ),
            None => return,
        };
        if contradicts {
            let sentence = format!("a value that is clear would still be `{mildest}`");
            let help = "clear_below goes with > and a smaller number, clear_above with < and a greater one";
            self.add(field, sentence, Some(help), false);
        }
    }

    fn add(&mut self, field: &str, sentence: String, help: Option<&str>, warning: bool) {
        let field = (!field.is_empty()).then(|| field.to_owned());
        self.problems.push(SetProblem {
            path: std::iter::once(self.path.to_owned()).chain(field).collect(),
            sentence,
            help: help.map(str::to_owned),
            warning,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(json: &Json) -> Vec<String> {
        let mut problems = Vec::new();
        let _ = Set::read(json, &mut problems);
        problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path.join("/"), problem.sentence))
            .collect()
    }

    #[test]
    fn the_design_s_example_is_read() {
        let mut found = Vec::new();
        let set = Set::read(
            &json!({
                "cpu_monitor.cpu_percent": {"warning": "> 80", "critical": "> 90", "clear_below": 75, "for": 3},
                "disk_monitor.*.percent": {"warning": "> 85", "critical": "> 95"},
                "renotify": "30m",
            }),
            &mut found,
        );
        assert_eq!(found, []);
        assert_eq!(set.renotify, Renotify::Every(Duration::from_secs(1800)));
        let cpu = set.find("cpu_monitor.cpu_percent").unwrap();
        assert_eq!(set.rule(cpu).unwrap().samples, 3);
        assert!(set.find("disk_monitor./var.percent").is_some());
        assert!(set.find("disk_monitor./var.free_gb").is_none());
    }

    #[test]
    fn the_pattern_with_the_fewest_wildcards_counts() {
        let set = Set::read(
            &json!({
                "*.*.percent": {"warning": "> 1"},
                "disk_monitor./backup.percent": {"warning": "> 3"},
                "disk_monitor.*.percent": {"warning": "> 2"},
            }),
            &mut Vec::new(),
        );
        for (path, bound) in [
            ("disk_monitor./backup.percent", 3.0),
            ("disk_monitor./.percent", 2.0),
            ("pool./.percent", 1.0),
        ] {
            let rule = set.rule(set.find(path).unwrap()).unwrap();
            assert!(
                (rule.warning.unwrap().bound() - bound).abs() < 0.1,
                "{path}"
            );
        }
    }

    #[test]
    fn reminders_are_hourly_unless_said_otherwise() {
        let read = |json: Json| Set::read(&json, &mut Vec::new()).renotify;
        assert_eq!(read(json!({})), Renotify::Every(DEFAULT_RENOTIFY));
        assert_eq!(read(json!({"renotify": "never"})), Renotify::Never);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (rule, expected) in [
            (json!({}), "a.b: the rule has no threshold"),
            (
                json!({"warning": "80"}),
                "a.b/warning: `80` does not begin with a comparison",
            ),
            (
                json!({"critical": "> x"}),
                "a.b/critical: `x` is not a number",
            ),
            (
                json!({"warning": "> 90", "critical": "> 80"}),
                "a.b/warning: there will be no warning",
            ),
            (
                json!({"warning": "> 90", "clear_below": 95}),
                "a.b/clear_below: a value that is clear",
            ),
            (
                json!({"warning": "< 10", "clear_below": 5}),
                "a.b/clear_below: a value that is clear",
            ),
            (
                json!({"warning": "> 9", "clear_below": 5, "clear_above": 9}),
                "a.b/clear_above: clear_below and",
            ),
            (
                json!({"warning": "> 9", "for": 0}),
                "a.b/for: at least 1 sample is required",
            ),
        ] {
            let found = problems(&json!({"a.b": rule}));
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{rule}: {found:?}"
            );
        }
        assert_eq!(problems(&json!({"cpu": {"warning": "> 9"}})).len(), 1);
        assert!(problems(&json!({"renotify": "soon"}))[0].contains("`soon` is not a duration"));
    }
}
