//! Reads how the engine shall treat a channel: its `delivery:` key, and the one
//! at the top of the file, which says it for all channels that don't.

use std::{str::FromStr, time::Duration};

use super::{
    policy::{ChannelOptions, OnUnknown, Retry},
    problem::{Findings, Problem},
    suggest,
    tree::{Entry, Scalar, Value},
};
use crate::event::Severity;

/// The key below which the options stand.
pub(crate) const KEY: &str = "delivery";

/// An attempt that takes longer than this is no attempt.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);
/// Nobody wants to be told what happened longer ago.
const LONGEST_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// With pauses that double, more make no difference.
const MOST_ATTEMPTS: u32 = 100;

const FIELDS: [&str; 6] = [
    "timeout",
    "required",
    "min_severity",
    "retry",
    "ttl",
    "on_unknown",
];
const RETRY_FIELDS: [&str; 3] = ["attempts", "first", "max"];

/// Reads options; what they don't say is as `defaults` have it.
pub(crate) fn read(
    entry: &Entry,
    defaults: &ChannelOptions,
    findings: &mut Findings,
) -> ChannelOptions {
    let mut options = defaults.clone();
    let Some(fields) = Field::all(entry, KEY, findings) else {
        return options;
    };
    for field in fields {
        match field.name() {
            "timeout" => field.put(findings, &mut options.timeout, |field| {
                field.time().map(|time| time.min(LONGEST_TIMEOUT))
            }),
            "required" => field.put(findings, &mut options.required, Field::switch),
            "min_severity" => {
                field.put(findings, &mut options.min_severity, Field::word::<Severity>);
            }
            "ttl" => field.put(findings, &mut options.ttl, |field| {
                field.time().map(|time| time.min(LONGEST_TTL))
            }),
            "on_unknown" => {
                field.put(findings, &mut options.on_unknown, Field::word::<OnUnknown>);
            }
            "retry" => options.retry = retry(&field, options.retry, findings),
            _ => field.is_unknown(findings, FIELDS),
        }
    }
    contradictions(entry, &options, findings);
    options
}

fn retry(entry: &Field<'_>, mut retry: Retry, findings: &mut Findings) -> Retry {
    let Some(fields) = Field::all(entry.entry, &entry.path, findings) else {
        return retry;
    };
    for field in fields {
        match field.name() {
            "attempts" => field.put(findings, &mut retry.attempts, Field::count),
            "first" => field.put(findings, &mut retry.first, Field::time),
            "max" => field.put(findings, &mut retry.max, Field::time),
            _ => field.is_unknown(findings, RETRY_FIELDS),
        }
    }
    retry
}

/// What is sound by itself, and makes no sense together.
fn contradictions(entry: &Entry, options: &ChannelOptions, findings: &mut Findings) {
    let (retry, shown) = (&options.retry, humantime::format_duration);
    let mut wrong = |field: &str, sentence: String| {
        let problem = Problem::error(sentence).field(format!("{KEY}.{field}"));
        findings.at(entry.key_id, problem);
    };
    if retry.first > retry.max {
        let (first, max) = (shown(retry.first), shown(retry.max));
        wrong(
            "retry",
            format!("the first pause ({first}) is longer than the longest ({max})"),
        );
    }
    if options.ttl < retry.first && retry.attempts > 1 {
        let (ttl, first) = (shown(options.ttl), shown(retry.first));
        wrong(
            "ttl",
            format!("the time to live ({ttl}) is shorter than the first pause ({first})"),
        );
    }
}

/// What a field says, or what is wrong with it.
type Read<T> = Result<T, Box<Problem>>;

/// A field and where it stands.
struct Field<'a> {
    entry: &'a Entry,
    path: String,
}

impl<'a> Field<'a> {
    /// The fields of a mapping.
    fn all(entry: &'a Entry, path: &str, findings: &mut Findings) -> Option<Vec<Self>> {
        let Value::Map(fields) = &entry.node.value else {
            let problem = format!("expected a mapping, found {}", entry.node.noun());
            findings.at(
                entry.node.id,
                Problem::error(problem).field(path.to_owned()),
            );
            return None;
        };
        let fields = fields.iter().map(|entry| Self {
            entry,
            path: format!("{path}.{}", entry.key),
        });
        Some(fields.collect())
    }

    fn name(&self) -> &str {
        &self.entry.key
    }

    fn is_unknown<const N: usize>(&self, findings: &mut Findings, known: [&'static str; N]) {
        let help = suggest::help(&self.entry.key, "fields", known);
        let problem = Problem::error("unknown field").help(help);
        findings.at(self.entry.key_id, problem.field(self.path.clone()));
    }

    /// Puts what was read where it belongs, or says why it cannot be read.
    fn put<T>(&self, findings: &mut Findings, place: &mut T, read: impl FnOnce(&Self) -> Read<T>) {
        match read(self) {
            Ok(value) => *place = value,
            Err(problem) => findings.at(self.entry.node.id, problem.field(self.path.clone())),
        }
    }

    fn text(&self, expected: &str) -> Read<&'a str> {
        match &self.entry.node.value {
            Value::Scalar(_, text) => Ok(text),
            _ => Err(self.expected(expected)),
        }
    }

    fn expected(&self, what: &str) -> Box<Problem> {
        let found = self.entry.node.noun();
        Box::new(Problem::error(format!("expected {what}, found {found}")))
    }

    fn time(&self) -> Read<Duration> {
        let text = self.text("a time")?;
        match humantime::parse_duration(text) {
            Ok(time) if !time.is_zero() => Ok(time),
            _ => Err(Box::new(
                Problem::error(format!("`{text}` is not a time"))
                    .help("write a number and a unit, such as 30s or 2m"),
            )),
        }
    }

    fn switch(&self) -> Read<bool> {
        match &self.entry.node.value {
            Value::Scalar(Scalar::Bool, text) => Ok(text.eq_ignore_ascii_case("true")),
            _ => Err(self.expected("true or false")),
        }
    }

    fn count(&self) -> Read<u32> {
        let text = self.text("a number")?;
        let number = text.parse().ok();
        number
            .filter(|number| (1..=MOST_ATTEMPTS).contains(number))
            .ok_or_else(|| {
                let range = format!("`{text}` is not a number from 1 to {MOST_ATTEMPTS}");
                Box::new(Problem::error(range))
            })
    }

    fn word<T: FromStr<Err: std::fmt::Display>>(&self) -> Read<T> {
        let text = self.text("a word")?;
        text.parse()
            .map_err(|error: T::Err| Box::new(Problem::error(error.to_string())))
    }
}
