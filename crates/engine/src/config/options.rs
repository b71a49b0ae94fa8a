//! Reads how the engine shall treat a channel: its `delivery:` key.

use std::time::Duration;

use super::{
    policy::ChannelOptions,
    problem::{Findings, Problem},
    suggest,
    tree::{Entry, Scalar, Value},
};

/// The key below which the options stand.
pub(crate) const KEY: &str = "delivery";

/// An attempt that takes longer than this is no attempt.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// Reads the options of one channel.
pub(crate) fn read(entry: &Entry, findings: &mut Findings) -> ChannelOptions {
    let mut options = ChannelOptions::default();
    let Value::Map(fields) = &entry.node.value else {
        let problem =
            Problem::error(format!("expected a mapping, found {}", entry.node.noun())).field(KEY);
        findings.at(entry.node.id, problem);
        return options;
    };
    for field in fields {
        let path = format!("{KEY}.{}", field.key);
        match (&*field.key, &field.node.value) {
            ("timeout", Value::Scalar(_, text)) => match humantime::parse_duration(text) {
                Ok(timeout) if !timeout.is_zero() => options.timeout = timeout.min(LONGEST_TIMEOUT),
                _ => findings.at(
                    field.node.id,
                    Problem::error(format!("`{text}` is not a time"))
                        .help("write a number and a unit, such as 30s or 2m")
                        .field(path),
                ),
            },
            ("required", Value::Scalar(Scalar::Bool, text)) => {
                options.required = text.eq_ignore_ascii_case("true")
            }
            ("required", _) => findings.at(
                field.node.id,
                Problem::error(format!(
                    "expected true or false, found {}",
                    field.node.noun()
                ))
                .field(path),
            ),
            ("timeout", _) => findings.at(
                field.node.id,
                Problem::error(format!("expected a time, found {}", field.node.noun())).field(path),
            ),
            _ => findings.at(
                field.key_id,
                Problem::error("unknown field")
                    .help(suggest::help(&field.key, "fields", ["timeout", "required"]))
                    .field(path),
            ),
        }
    }
    options
}
