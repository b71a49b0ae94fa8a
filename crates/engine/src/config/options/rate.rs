//! Rates: a number of messages within a period, such as `30/min` or `5/10s`.

use std::{fmt, time::Duration};

use schemars::{Schema, json_schema};
use serde_json::Value as Json;

use super::{
    super::{problem::Problem, redact::quoted, schema::Format, tree::Scalar},
    value::Text,
};

/// The maximum period. A digest serves better than notifications that are rarer than this.
const MAX_PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);
/// The minimum period: the limiter counts in milliseconds.
const MIN_PERIOD: Duration = Duration::from_millis(1);

/// A rate: a number of messages within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// The number of messages, at least 1.
    pub messages: u32,
    /// The period.
    pub per: Duration,
}

/// As it is written in the file, such as `30/1m`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.messages, self.per.write())
    }
}

pub(super) static RATE: Format = Format {
    name: "rate",
    noun: "a rate",
    check: |text: &str, _: Scalar, _: &Json| Rate::read(text).map(drop),
};

impl Text for Rate {
    const FORMAT: Option<&'static Format> = Some(&RATE);

    fn read(text: &str) -> Result<Self, Box<Problem>> {
        let wrong =
            |sentence: String, help: &str| Err(Box::new(Problem::error(sentence).help(help)));
        let Some(rate) = parse(text) else {
            return wrong(
                format!("{} is not a rate", quoted(text)),
                "write a number and a time, such as 30/min, 5/s or 100/10m",
            );
        };
        if rate.messages == 0 {
            return wrong(
                format!("{} lets nothing through", quoted(text)),
                "write 1 or more, or `none` for no limit",
            );
        }
        if rate.per > MAX_PERIOD {
            return wrong(
                format!("the time of {} is too long", quoted(text)),
                "write 30 days or less",
            );
        }
        Ok(rate)
    }

    fn write(&self) -> String {
        self.to_string()
    }

    fn describe() -> Schema {
        json_schema!({ "type": "string", "pattern": "^ *[0-9]+ */ *[0-9A-Za-z ]+$" })
    }
}

/// Parses a number, a slash, and a time or only its unit.
fn parse(text: &str) -> Option<Rate> {
    let (messages, per) = text.split_once('/')?;
    let (messages, per) = (messages.trim(), per.trim());
    let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let per = match digits(per) {
        true => humantime::parse_duration(per),
        false => humantime::parse_duration(&format!("1{per}")),
    };
    Some(Rate {
        messages: messages.parse().ok().filter(|_| digits(messages))?,
        per: per.ok().filter(|per| *per >= MIN_PERIOD)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_time_or_its_unit() {
        let second = Duration::from_secs(1);
        for (text, messages, per) in [
            ("30/min", 30, 60 * second),
            ("30/m", 30, 60 * second),
            ("5/s", 5, second),
            ("5 / sec", 5, second),
            ("200/h", 200, 3600 * second),
            ("1/day", 1, 24 * 3600 * second),
            ("100/10m", 100, 600 * second),
            ("1/1h 30m", 1, 5400 * second),
            ("0/s", 0, second),
        ] {
            assert_eq!(parse(text), Some(Rate { messages, per }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "30",
            "/min",
            "30/",
            "x/min",
            "+3/s",
            "-3/s",
            "1.5/s",
            "30/0s",
            "30/fortnight",
            "30/min/h",
            "99999999999/s",
            "3/1ns",
            "3/-1s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much_for_it(text in "\\PC{0,12}(/\\PC{0,12})?") {
            let _ = parse(&text);
        }
    }
}
