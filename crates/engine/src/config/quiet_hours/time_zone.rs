//! Time zones by their names in the IANA database.
//!
//! The machine's own rules take precedence, because they are updated more often than a program.
//! Rules that it lacks are taken from the built-in ones.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemars::{Schema, json_schema};
use serde_json::Value as Json;

use super::super::{
    options::Text, problem::Problem, redact::quoted, schema::Format, suggest, tree::Scalar,
};

pub(in super::super) static TIME_ZONE: Format = Format {
    name: "time-zone",
    noun: "the name of a time zone",
    check: |text: &str, _: Scalar, _: &Json| TimeZone::read(text).map(drop),
};

impl Text for TimeZone {
    const FORMAT: Option<&'static Format> = Some(&TIME_ZONE);

    fn read(name: &str) -> Result<Self, Box<Problem>> {
        let ours = || TimeZoneDatabase::bundled().get(name);
        TimeZone::get(name)
            .or_else(|_| ours())
            .map_err(|_| unknown(name))
    }

    fn write(&self) -> String {
        self.iana_name().unwrap_or("UTC").to_owned()
    }

    fn describe() -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Suggests the zone that is named after a city if only the city is given.
fn unknown(name: &str) -> Box<Problem> {
    let known: Vec<String> = {
        let names = TimeZoneDatabase::bundled();
        names.available().map(|name| name.to_string()).collect()
    };
    let city = name.replace(' ', "_");
    let of_city = known.iter().find(|known| {
        let last = known.rsplit_once('/').map(|(_, last)| last);
        last.is_some_and(|last| last.eq_ignore_ascii_case(&city))
    });
    let found = of_city.map(String::as_str);
    let found = found.or_else(|| suggest::closest(name, known.iter().map(String::as_str)));
    let problem = Problem::error(format!("unknown time zone {}", quoted(name)));
    Box::new(problem.help(match found {
        Some(found) => format!("did you mean `{found}`?"),
        None => "write a name of the IANA database, such as Europe/Berlin or UTC".to_owned(),
    }))
}
