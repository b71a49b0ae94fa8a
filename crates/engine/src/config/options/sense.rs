//! Finds options that contradict each other.
//!
//! A contradiction is reported at the key of this mapping, even if the other key is a default or
//! applies to all channels. A contradiction between two keys of other mappings is reported there.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::{
    super::{
        path::FieldPath,
        place::place,
        problem::{Findings, Problem},
        top_level::DELIVERY,
        tree::Entry,
    },
    channel::ChannelOptions,
    value::Text as _,
};

/// Finds contradictions in the options whose last layer is a mapping. `written` is what was read of
/// that mapping. A timeout that was not set is shortened instead of reported.
pub(super) fn check(
    options: &mut ChannelOptions,
    written: &Map<String, Json>,
    entry: &Entry,
    findings: &mut Findings,
) {
    let is_written = |way: &[&str]| {
        let (first, rest) = way.split_first()?;
        let found = written.get(*first)?;
        rest.iter().try_fold(found, |found, key| found.get(key))
    };
    let default = ChannelOptions::default().timeout;
    if is_written(&["timeout"]).is_none() && options.timeout == default {
        options.timeout = options.timeout.min(options.ttl);
    }
    let mut wrong = |ways: &[&[&str]], sentence: String, help: &str| {
        let way = ways.iter().find(|way| is_written(way).is_some());
        if let Some(way) = way {
            let place = place(entry, FieldPath::of(DELIVERY), way.iter().copied());
            let problem = Problem::error(sentence).help(help).field(place.field);
            findings.at(place.id, problem);
        }
    };
    let pair = |one: Duration, other: Duration| (one.write(), other.write());
    let (ttl, timeout, retry) = (options.ttl, options.timeout, &options.retry);
    if retry.first > retry.max {
        let (one, longest) = pair(retry.first, retry.max);
        wrong(
            &[&["retry", "first"], &["retry", "max"]],
            format!("the first backoff ({one}) is longer than the longest ({longest})"),
            "lower `first`, or raise `max`",
        );
    }
    if ttl < retry.first && retry.attempts > 1 {
        let (life, pause) = pair(ttl, retry.first);
        wrong(
            &[&["ttl"], &["retry", "first"], &["retry", "attempts"]],
            format!("the time to live ({life}) is shorter than the first backoff ({pause})"),
            "raise `ttl`, or lower `retry.first`",
        );
    }
    if timeout > ttl {
        let (attempt, life) = pair(timeout, ttl);
        wrong(
            &[&["timeout"], &["ttl"]],
            format!("one attempt may take longer ({attempt}) than the time to live ({life})"),
            "lower `timeout`, or raise `ttl`",
        );
    }
    let quiet = options.quiet_hours.as_ref();
    if quiet.is_some_and(|hours| hours.from_minute == hours.to_minute) {
        wrong(
            &[&["quiet_hours", "to"]],
            "the quiet hours end when they begin".to_owned(),
            "write another time for `to`; to be sent nothing at all, remove the channel",
        );
    }
}
