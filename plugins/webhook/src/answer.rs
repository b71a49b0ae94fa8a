//! The evaluation of an answer, by the expressions of the settings.

use std::{collections::BTreeMap, time::Duration};

use annunciator_sdk::{HttpResponse, redacted};
use minijinja::{Value, context};

use crate::{config::Answer, template::evaluate};

/// The maximum wait that is passed on to the engine: 30 days, in seconds. A longer one is probably
/// in another unit.
const MAX_RETRY_AFTER_SECONDS: f64 = 30.0 * 24.0 * 3600.0;

/// Returns an answer as the values that expressions use.
pub(crate) fn values(response: &HttpResponse) -> Value {
    let json = response.json::<serde_json::Value>().ok();
    context! {
        answer => context! {
            status => response.status(),
            body => response.text(),
            json => json.map_or(Value::UNDEFINED, |json| from_json(&json)),
        },
    }
}

fn from_json(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::UNDEFINED,
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(list) => list.iter().map(from_json).collect(),
        Json::Object(map) => {
            let entries = map.iter();
            let entries = entries.map(|(key, value)| (key.clone(), from_json(value)));
            Value::from(entries.collect::<BTreeMap<String, Value>>())
        }
    }
}

impl Answer {
    /// Returns the expressions that are set, with their names.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("success", &self.success),
            ("retry", &self.retry),
            ("wait", &self.wait),
            ("detail", &self.detail),
            ("id", &self.id),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// Returns whether the message was accepted, or `None` if the settings have no expression for
    /// it.
    pub(crate) fn success(&self, values: &Value) -> Option<bool> {
        is_true(self.success.as_deref(), values)
    }

    /// Returns whether the message is retried, or `None` if the settings have no expression for it.
    pub(crate) fn retry(&self, values: &Value) -> Option<bool> {
        is_true(self.retry.as_deref(), values)
    }

    /// Returns how long to wait before the retry, at most 30 days, if the answer says so.
    pub(crate) fn wait(&self, values: &Value) -> Option<Duration> {
        let value = evaluate(self.wait.as_deref()?, values).ok()?;
        let seconds = f64::try_from(value.clone()).ok();
        let seconds = seconds.or_else(|| value.as_str()?.trim().parse().ok())?;
        let seconds = seconds.clamp(0.0, MAX_RETRY_AFTER_SECONDS);
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// Returns what the service says about the message, without secrets and control characters.
    pub(crate) fn detail(&self, values: &Value, secrets: &[String]) -> Option<String> {
        text(self.detail.as_deref(), values, secrets)
    }

    /// Returns the service's ID of the message, without secrets and control characters.
    pub(crate) fn id(&self, values: &Value, secrets: &[String]) -> Option<String> {
        text(self.id.as_deref(), values, secrets)
    }
}

fn is_true(expression: Option<&str>, values: &Value) -> Option<bool> {
    // An expression that cannot be evaluated counts as false.
    Some(evaluate(expression?, values).is_ok_and(|value| value.is_true()))
}

fn text(expression: Option<&str>, values: &Value, secrets: &[String]) -> Option<String> {
    let value = evaluate(expression?, values).ok()?;
    if value.is_undefined() || value.is_none() {
        return None;
    }
    let text = redacted(&value.to_string(), secrets);
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}
