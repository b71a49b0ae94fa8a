//! Reads how the engine shall treat a channel: its `delivery:` key, and the one
//! at the top of the file, which says it for all channels that don't.
//!
//! One file for each kind of value; `sense` finds what is sound by itself and
//! makes no sense together. What the options mean is in `policy`.

mod canary;
mod field;
mod quiet;
mod rate;
mod schema;
mod sense;
mod stored;
mod whole;

use std::time::Duration;

use self::sense::Said;
use super::{
    policy::{ChannelOptions, Isolation, OnUnknown, Retry},
    problem::{Findings, Problem},
    tree::Entry,
};
use crate::event::Severity;

pub(super) use self::{
    field::{Field, Read},
    schema::{of_a_group, of_all, of_one},
    stored::check as check_stored,
    whole::read as read_whole,
};

/// The key below which the options stand.
pub(crate) const KEY: &str = "delivery";

/// An attempt that takes longer than this is no attempt.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);
/// Nobody wants to be told what happened longer ago.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// With pauses that double, more make no difference.
const MOST_ATTEMPTS: u32 = 100;

const FIELDS: [&str; 11] = [
    "timeout",
    "required",
    "min_severity",
    "retry",
    "ttl",
    "rate_limit",
    "on_unknown",
    "quiet_hours",
    "dedup",
    "canary",
    "isolation",
];
const RETRY_FIELDS: [&str; 3] = ["attempts", "first", "max"];

/// Reads the options of a channel; what they don't say is as `defaults` have it.
pub(crate) fn read(
    entry: &Entry,
    defaults: &ChannelOptions,
    findings: &mut Findings,
) -> ChannelOptions {
    let mut options = defaults.clone();
    let mut said = Said::default();
    for field in Field::all(entry, KEY, findings).unwrap_or_default() {
        if whole::FIELDS.contains(&field.name()) {
            let help = format!("move it to a `{KEY}:` at the top of the file");
            let problem = Problem::error("this is said once for all channels").help(help);
            field.wrong_key(findings, problem);
        } else if !one(&field, &mut options, &mut said, findings) {
            field.is_unknown(findings, &FIELDS);
        }
    }
    sense::check(&mut options, &said, findings);
    options
}

/// Reads one option. `false` when there is none of this name.
fn one(
    field: &Field<'_>,
    options: &mut ChannelOptions,
    said: &mut Said,
    findings: &mut Findings,
) -> bool {
    match field.name() {
        "timeout" => {
            let time = |field: &Field<'_>| field.time(LONGEST_TIMEOUT);
            said.timeout = field.put(findings, &mut options.timeout, time);
        }
        "required" => {
            field.put(findings, &mut options.required, Field::switch);
        }
        "min_severity" => {
            field.put(findings, &mut options.min_severity, severity);
        }
        "retry" => options.retry = retry(field, options.retry, said, findings),
        "ttl" => {
            said.ttl = field.put(findings, &mut options.ttl, |field| field.time(LONGEST));
        }
        "rate_limit" => {
            field.put(findings, &mut options.rate_limit, |field| {
                field.unless_none(rate::read)
            });
        }
        "on_unknown" => {
            field.put(findings, &mut options.on_unknown, |field| {
                field.word("policy", "policies", &OnUnknown::NAMES)
            });
        }
        "quiet_hours" => quiet::read(field, &mut options.quiet_hours, findings),
        "dedup" => {
            field.put(findings, &mut options.dedup, |field| {
                field.unless_none(|field| field.time(LONGEST))
            });
        }
        "canary" => canary::read(field, &mut options.canary, findings),
        "isolation" => {
            field.put(findings, &mut options.isolation, |field| {
                field.word("isolation", "kinds", &Isolation::NAMES)
            });
        }
        _ => return false,
    }
    true
}

fn retry(entry: &Field<'_>, mut retry: Retry, said: &mut Said, findings: &mut Findings) -> Retry {
    let time = |field: &Field<'_>| field.time(LONGEST);
    for field in entry.fields(findings).unwrap_or_default() {
        match field.name() {
            "attempts" => said.attempts = field.put(findings, &mut retry.attempts, attempts),
            "first" => said.first = field.put(findings, &mut retry.first, time),
            "max" => said.max = field.put(findings, &mut retry.max, time),
            _ => field.is_unknown(findings, &RETRY_FIELDS),
        }
    }
    retry
}

fn attempts(field: &Field<'_>) -> Read<u32> {
    field.number(1..=MOST_ATTEMPTS)
}

fn severity(field: &Field<'_>) -> Read<Severity> {
    let names = Severity::ALL.map(|severity| (severity.name(), severity));
    field.word("severity", "severities", &names)
}
