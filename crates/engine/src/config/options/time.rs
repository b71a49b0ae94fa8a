//! A time: a number and a unit, or several of them, such as `30s` or `1h 30m`.
//!
//! A schema bounds it by two keywords, `x-annunciator-min` and `x-annunciator-max`.

use std::time::Duration;

use schemars::{Schema, json_schema};
use serde_json::Value as Json;

use super::{
    super::{problem::Problem, redact::quoted, schema::Format, tree::Scalar},
    value::Text,
};

const SECONDS_PER_DAY: u64 = 24 * 3600;

/// The minimum time: the store counts in milliseconds.
const MIN_TIME: Duration = Duration::from_millis(1);

pub(super) static TIME: Format = Format {
    name: "time",
    noun: "a duration",
    check,
};

impl Text for Duration {
    const FORMAT: Option<&'static Format> = Some(&TIME);

    fn read(text: &str) -> Result<Self, Box<Problem>> {
        match humantime::parse_duration(text) {
            Ok(time) if time >= MIN_TIME => Ok(time),
            Ok(_) => Err(too_short(text, MIN_TIME)),
            Err(_) => Err(Box::new(
                Problem::error(format!("{} is not a duration", quoted(text)))
                    .help("write a number with its unit, such as 30s"),
            )),
        }
    }

    fn write(&self) -> String {
        // humantime would continue with months of 30.44 days.
        let days = self.as_secs() / SECONDS_PER_DAY;
        match (days, *self == Duration::from_secs(days * SECONDS_PER_DAY)) {
            (1, true) => "1day".to_owned(),
            (2.., true) => format!("{days}days"),
            _ => humantime::format_duration(*self).to_string(),
        }
    }

    fn describe() -> Schema {
        json_schema!({ "type": "string", "pattern": "[0-9] *[A-Za-z]" })
    }
}

fn check(text: &str, _: Scalar, schema: &Json) -> Result<(), Box<Problem>> {
    let time = Duration::read(text)?;
    let bound = |keyword: &str| humantime::parse_duration(schema.get(keyword)?.as_str()?).ok();
    if let Some(least) = bound("x-annunciator-min").filter(|least| time < *least) {
        return Err(too_short(text, least));
    }
    match bound("x-annunciator-max").filter(|most| time > *most) {
        Some(most) => Err(Box::new(
            Problem::error(format!("{} is too long", quoted(text)))
                .help(format!("write {} or less", most.write())),
        )),
        None => Ok(()),
    }
}

fn too_short(text: &str, least: Duration) -> Box<Problem> {
    let problem = Problem::error(format!("{} is too short", quoted(text)));
    Box::new(problem.help(format!("write {} or more", least.write())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_written_as_days() {
        for text in [
            "1ms", "30s", "10m", "1h", "1day", "1day 1h", "90days", "3650days",
        ] {
            assert_eq!(Duration::read(text).unwrap().write(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(ms in 1_u64..400_000_000_000) {
            let time = Duration::from_millis(ms);
            prop_assert_eq!(Duration::read(&time.write()).unwrap(), time);
        }
    }
}
