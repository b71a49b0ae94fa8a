//! A time of day, such as `22:00`, as a minute of the day.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use serde_json::Value as Json;

use super::super::{
    problem::Problem,
    redact::quoted,
    schema::{FORMAT_KEYWORD, Format},
    tree::Scalar,
};

const MINUTES_PER_DAY: u16 = 24 * 60;

pub(in super::super) static TIME_OF_DAY: Format = Format {
    name: "time-of-day",
    noun: "a time of day",
    check,
};

pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let pattern = "^([01]?[0-9]|2[0-3]):[0-5][0-9]$";
    let mut schema = json_schema!({ "type": "string", "pattern": pattern });
    schema.insert(FORMAT_KEYWORD.to_owned(), TIME_OF_DAY.name.into());
    schema
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let text = String::deserialize(deserializer)?;
    minute_of(&text).ok_or_else(|| D::Error::custom("this is not a time of day"))
}

pub(super) fn serialize<S: Serializer>(minute: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*minute))
}

/// Returns a minute of the day in the form `22:00`.
pub(super) fn text(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn check(written: &str, kind: Scalar, _: &Json) -> Result<(), Box<Problem>> {
    if minute_of(written).is_some() {
        return Ok(());
    }
    let problem = Problem::error(format!("{} is not a time of day", quoted(written)));
    let number = written.parse::<u16>().ok().filter(|_| kind == Scalar::Int);
    let help = match number.filter(|number| *number < MINUTES_PER_DAY) {
        // YAML 1.1 reads 22:00 as a number of base sixty, and programs write that number.
        Some(number) if number > 24 => format!(
            "write hours and minutes in quotes: \"{}\", if that is what was meant",
            text(number)
        ),
        _ if written.starts_with("24") => "midnight is \"00:00\"".to_owned(),
        _ => "write hours and minutes, from \"00:00\" to \"23:59\"".to_owned(),
    };
    Err(Box::new(problem.help(help)))
}

fn minute_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: u16| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<u16>().ok().filter(|_| digits)?;
        (number <= most).then_some(number)
    };
    let sound = (1..=2).contains(&hours.len()) && minutes.len() == 2;
    let (hours, minutes) = (number(hours, 23)?, number(minutes, 59)?);
    sound.then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_hours_and_minutes() {
        for (text, minute) in [("00:00", 0), ("7:05", 425), ("07:05", 425), ("23:59", 1439)] {
            assert_eq!(minute_of(text), Some(minute), "{text}");
        }
        for text in [
            "", ":", "24:00", "7:5", "12:60", "007:00", "+7:00", "7:+5", "22", "22:00:00",
        ] {
            assert_eq!(minute_of(text), None, "{text}");
        }
    }
}
