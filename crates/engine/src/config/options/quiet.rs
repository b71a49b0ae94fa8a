//! Reads quiet hours: from when to when, by which clocks, and what is told all
//! the same.

use super::{
    super::{
        problem::{Findings, Problem},
        quiet_hours::{QuietHours, zone},
        redact::quoted,
        suggest,
        tree::{Scalar, Value},
    },
    field::{Field, NONE, Read},
    severity,
};
use crate::event::Severity;

const FIELDS: [&str; 4] = ["from", "to", "timezone", "except"];
const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// Reads them into `place`. They replace those of all channels as a whole.
pub(super) fn read(entry: &Field<'_>, place: &mut Option<QuietHours>, findings: &mut Findings) {
    if matches!(&entry.node().value, Value::Scalar(_, text) if **text == *NONE) {
        *place = None;
        return;
    }
    let Some(fields) = entry.fields(findings) else {
        return;
    };
    let (mut from, mut to, mut except) = (None, None, None);
    let mut timezone = Some(jiff::tz::TimeZone::UTC);
    let before = findings.errors();
    for field in &fields {
        match field.name() {
            "from" => drop(field.put(findings, &mut from, |field| minute(field).map(Some))),
            "to" => drop(field.put(findings, &mut to, |field| minute(field).map(Some))),
            "timezone" => drop(field.put(findings, &mut timezone, |field| named(field).map(Some))),
            "except" => drop(field.put(findings, &mut except, |field| exception(field).map(Some))),
            _ => field.is_unknown(findings, &FIELDS),
        }
    }
    let has = |name: &str| fields.iter().any(|field| field.name() == name);
    for missing in ["from", "to"].into_iter().filter(|name| !has(name)) {
        let problem = Problem::error(format!("`{missing}` is missing"))
            .help("write from when to when, such as {from: \"22:00\", to: \"07:00\"}");
        entry.wrong_key(findings, problem);
    }
    if findings.errors() > before {
        return;
    }
    let (Some(from), Some(to), Some(timezone)) = (from, to, timezone) else {
        return;
    };
    if from == to {
        let problem = Problem::error("the quiet hours end when they begin")
            .help("write another time for `to`; to tell nothing at all, leave the channel away");
        if let Some(field) = fields.iter().find(|field| field.name() == "to") {
            field.wrong(findings, problem);
        }
        return;
    }
    let except = except.unwrap_or(Severity::Critical);
    *place = Some(QuietHours::new(from, to, timezone, except));
}

/// A time of day, as the minute of the day that it is.
fn minute(field: &Field<'_>) -> Read<u16> {
    let text = field.text("a time of day")?;
    if let Some(minute) = minute_of(text) {
        return Ok(minute);
    }
    let problem = Problem::error(format!("{} is not a time of day", quoted(text)));
    let as_number = match &field.node().value {
        Value::Scalar(Scalar::Int, text) => text.parse::<u16>().ok(),
        _ => None,
    };
    let help = match as_number.filter(|number| *number < MINUTES_OF_A_DAY) {
        // Programs of YAML 1.1 read 22:00 as base sixty, and write the number.
        Some(number) if number > 24 => format!(
            "write hours and minutes in quotes: \"{:02}:{:02}\", if a program made the number of that",
            number / 60,
            number % 60
        ),
        _ if text.starts_with("24") => "midnight is \"00:00\"".to_owned(),
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

fn named(field: &Field<'_>) -> Read<jiff::tz::TimeZone> {
    let name = field.text("the name of a time zone")?;
    zone::named(name).ok_or_else(|| {
        let problem = Problem::error(format!("unknown time zone {}", quoted(name)));
        let known = zone::names();
        // Whoever writes only the city means the zone that is named after it.
        let city = name.replace(' ', "_");
        let of_city = known.iter().find(|known| {
            let last = known.rsplit_once('/').map(|(_, last)| last);
            last.is_some_and(|last| last.eq_ignore_ascii_case(&city))
        });
        let found = of_city.map(String::as_str);
        let found = found.or_else(|| suggest::closest(name, known.iter().map(String::as_str)));
        Box::new(problem.help(match found {
            Some(found) => format!("did you mean `{found}`?"),
            None => "write a name of the IANA database, such as Europe/Berlin or UTC".to_owned(),
        }))
    })
}

fn exception(field: &Field<'_>) -> Read<Severity> {
    match severity(field)? {
        Severity::Info => Err(Box::new(
            Problem::error("`info` lets everything through: no hours would be quiet")
                .help("write warning or critical"),
        )),
        bad => Ok(bad),
    }
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
