//! Expressions of the file: compiled once, and evaluated within bounds.

use std::{collections::BTreeMap, sync::LazyLock};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, value::ValueKind};
use serde_json::{Map, Value as Json};

use crate::{
    error::{IngestError, Reason},
    limits::MAX_DEPTH,
};

/// The maximum number of steps of one evaluation. The longest expressions in use take some
/// dozens; filters over a list take one step per item.
const MAX_STEPS: u64 = 20_000;
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_fuel(Some(MAX_STEPS));
    // A payload may have any shape and lack any value.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    // Errors must not carry values of a payload.
    environment.set_debug(false);
    environment
});

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression(minijinja::Expression<'static, 'static>);

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, and at which column.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        let compiled = ENVIRONMENT.compile_expression_owned(text.to_owned());
        compiled.map(Self).map_err(|error| {
            let what = sentence(&error);
            let before = error.range().and_then(|range| text.get(..range.start));
            match before {
                // The column counts within the expression, in characters.
                Some(before) => format!("{what} (column {})", before.chars().count() + 1),
                None => what,
            }
        })
    }

    /// Returns the names that it uses and that are not in scope.
    pub(crate) fn unknown_names(&self, scope: &[&str]) -> Vec<String> {
        let names = self.0.undeclared_variables(false).into_iter();
        let mut names: Vec<String> = names
            .filter(|name| !scope.contains(&name.as_str()))
            .collect();
        names.sort();
        names
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// `mapping_failed`.
    pub(crate) fn evaluate(&self, scope: &Value) -> Result<Value, IngestError> {
        self.0
            .eval(scope.clone())
            .map_err(|error| IngestError::mapping(Reason::MappingFailed, sentence(&error)))
    }

    /// Evaluates the expression as JSON of so many values at most. An undefined value is
    /// null.
    ///
    /// # Errors
    /// `mapping_failed`, or `wrong_type` if the value is none of JSON's.
    pub(crate) fn json(&self, scope: &Value, most: usize) -> Result<Json, IngestError> {
        let value = self.evaluate(scope)?;
        let mut left = most;
        to_json(&value, &mut left, 2 * MAX_DEPTH)
    }
}

/// Returns JSON as expressions see it.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => Value::from(whole),
            (None, Some(whole), _) => Value::from(whole),
            (None, None, Some(number)) => Value::from(number),
            (None, None, None) => Value::UNDEFINED,
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

/// Returns what an expression gives as JSON, where `left` values may still come and nesting
/// may be so deep. An undefined value is null.
fn to_json(value: &Value, left: &mut usize, depth: usize) -> Result<Json, IngestError> {
    let wrong = |sentence: String| IngestError::mapping(Reason::WrongType, sentence);
    let too_much = || IngestError::mapping(Reason::MappingFailed, "gives too much");
    *left = left.checked_sub(1).ok_or_else(too_much)?;
    let depth = depth.checked_sub(1).ok_or_else(too_much)?;
    let parts = || {
        let parts = value.try_iter();
        parts.map_err(|error| wrong(sentence(&error)))
    };
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => {
            let whole = i64::try_from(value.clone()).ok().map(Json::from);
            let large = || u64::try_from(value.clone()).ok().map(Json::from);
            let number = || f64::try_from(value.clone()).ok().map(Json::from);
            whole.or_else(large).or_else(number).unwrap_or_default()
        }
        ValueKind::String => Json::from(value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            let list = parts()?.map(|part| to_json(&part, left, depth));
            Json::Array(list.collect::<Result<_, _>>()?)
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in parts()? {
                let part = value.get_item(&key).unwrap_or_default();
                map.insert(key.to_string(), to_json(&part, left, depth)?);
            }
            Json::Object(map)
        }
        kind => return Err(wrong(format!("gives a value of the kind {kind}"))),
    })
}

/// Returns the error in words for the expression's author.
fn sentence(error: &Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "takes too much work".to_owned(),
        kind => match error.detail() {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn a_faulty_expression_is_located() {
        for (text, column) in [("item.a +", None), ("'ä' == ]", Some(8)), ("a b", Some(3))] {
            let error = Expression::compile(text).unwrap_err();
            let expected = column.map_or_else(String::new, |column| format!("(column {column})"));
            assert!(error.contains(&expected), "{text}: {error}");
        }
    }

    #[test]
    fn work_is_bounded() {
        let endless = Expression::compile("range(100000) | map('upper') | list | length").unwrap();
        let _ = endless.evaluate(&context! {});
        let huge = Expression::compile("'x' * 99999999999").unwrap();
        let error = huge.evaluate(&context! {}).unwrap_err();
        assert_eq!(error.reason(), Reason::MappingFailed);
    }

    #[test]
    fn what_is_missing_is_null() {
        let expression = Expression::compile("item.a.b.c").unwrap();
        assert_eq!(
            expression.json(&context! { item => 1 }, 1).unwrap(),
            Json::Null
        );
    }

    #[test]
    fn a_value_has_a_limited_size() {
        let expression = Expression::compile("[item] * 10").unwrap();
        let scope = context! { item => [1, 2] };
        assert!(expression.json(&scope, 31).is_ok());
        let error = expression.json(&scope, 30).unwrap_err();
        assert_eq!(error.reason(), Reason::MappingFailed);
    }

    #[test]
    fn values_of_json_stay_what_they_are() {
        let text = r#"[null,true,-1,18446744073709551615,0.5,"a",{"b":[],"c":{}}]"#;
        let json: Json = serde_json::from_str(text).unwrap();
        let expression = Expression::compile("item").unwrap();
        let scope = context! { item => from_json(&json) };
        assert_eq!(expression.json(&scope, 100).unwrap(), json);
    }

    #[test]
    fn names_out_of_scope_are_found() {
        let expression = Expression::compile("item.a ~ event.b").unwrap();
        assert_eq!(expression.unknown_names(&["item"]), ["event"]);
    }
}
