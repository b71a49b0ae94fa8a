//! A comparison with a number, such as `> 90`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::value::shown;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    NotEqual,
}

/// Longer operators first, since `>=` begins with `>`.
const OPERATORS: [(&str, Operator); 6] = [
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">", Operator::Above),
    ("<", Operator::Below),
];

/// A condition on a value, such as `> 90`: a comparison with a number.
///
/// Its JSON form is this text, too, as messages have it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Condition {
    operator: Operator,
    bound: f64,
}

/// An error returned when a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// The text does not begin with an operator.
    #[error(
        "`{0}` does not begin with a comparison: write one of > >= < <= == != before the number, as in \"> 90\""
    )]
    Operator(String),
    /// The operator is not followed by a number.
    #[error("`{0}` is not a number")]
    Number(String),
}

impl Condition {
    /// Returns whether a value meets the condition.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "the user asked for equality")]
    pub fn holds(&self, value: f64) -> bool {
        match self.operator {
            Operator::Above => value > self.bound,
            Operator::AtLeast => value >= self.bound,
            Operator::Below => value < self.bound,
            Operator::AtMost => value <= self.bound,
            Operator::Equal => value == self.bound,
            Operator::NotEqual => value != self.bound,
        }
    }

    /// Returns the number that values are compared with.
    #[must_use]
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// Returns whether greater values are worse.
    #[must_use]
    pub fn looks_up(&self) -> bool {
        matches!(self.operator, Operator::Above | Operator::AtLeast)
    }

    /// Returns whether smaller values are worse.
    #[must_use]
    pub fn looks_down(&self) -> bool {
        matches!(self.operator, Operator::Below | Operator::AtMost)
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let text = text.trim();
        let (operator, number) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?.trim())))
            .ok_or_else(|| ConditionError::Operator(text.chars().take(40).collect()))?;
        let bound: f64 = number
            .parse()
            .ok()
            .filter(|bound: &f64| bound.is_finite())
            .ok_or_else(|| ConditionError::Number(number.chars().take(40).collect()))?;
        Ok(Self { operator, bound })
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, ConditionError> {
        text.parse()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPERATORS
            .iter()
            .find(|(_, operator)| *operator == self.operator)
            .map_or("", |(sign, _)| sign);
        write!(f, "{sign} {}", shown(self.bound, &[]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_compares_as_it_says() {
        for (text, holds) in [
            ("> 90", [false, false, true]),
            (">=90", [false, true, true]),
            ("< 90.0", [true, false, false]),
            (" <= 90 ", [true, true, false]),
            ("== 90", [false, true, false]),
            ("!= 9e1", [true, false, true]),
        ] {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(
                [89.0, 90.0, 91.0].map(|value| condition.holds(value)),
                holds
            );
        }
    }

    #[test]
    fn it_prints_as_messages_have_it() {
        assert_eq!(">90".parse::<Condition>().unwrap().to_string(), "> 90.0");
        assert_eq!(
            "<= -0.25".parse::<Condition>().unwrap().to_string(),
            "<= -0.25"
        );
    }

    #[test]
    fn what_is_no_condition_says_what_to_write() {
        for text in ["90", "", "=> 90", "more than 90", "=90"] {
            let error = text.parse::<Condition>().unwrap_err().to_string();
            assert!(error.contains("\"> 90\""), "{text}: {error}");
        }
        for text in ["> ", "> ninety", "> NaN", "> inf", "> 1e999", "> 90 %"] {
            let error = text.parse::<Condition>().unwrap_err();
            assert!(matches!(error, ConditionError::Number(_)), "{text}");
        }
    }
}
