//! Reads how a channel proves that it works: how often, and how often it may fail.

use std::time::Duration;

use super::{
    super::{
        policy::Canary,
        problem::{Findings, Problem},
        tree::Value,
    },
    LONGEST,
    field::{Field, NONE, Read},
};

const FIELDS: [&str; 2] = ["every", "failures"];
/// A remote is not to be asked more often for nothing.
const SHORTEST: Duration = Duration::from_secs(60);
/// One failure may be a moment's trouble.
const FAILURES: u32 = 2;
const MOST_FAILURES: u32 = 100;

/// Reads it into `place`. It replaces that of all channels as a whole.
pub(super) fn read(entry: &Field<'_>, place: &mut Option<Canary>, findings: &mut Findings) {
    if matches!(&entry.node().value, Value::Scalar(_, text) if **text == *NONE) {
        *place = None;
        return;
    }
    let Some(fields) = entry.fields(findings) else {
        return;
    };
    let (mut how_often, mut failures) = (None, FAILURES);
    let before = findings.errors();
    for field in &fields {
        match field.name() {
            "every" => drop(field.put(findings, &mut how_often, |field| every(field).map(Some))),
            "failures" => {
                let number = |field: &Field<'_>| field.number(1..=MOST_FAILURES);
                field.put(findings, &mut failures, number);
            }
            _ => field.is_unknown(findings, &FIELDS),
        }
    }
    if findings.errors() > before {
        return;
    }
    let Some(every) = how_often else {
        let problem =
            Problem::error("`every` is missing").help("write how often, such as {every: 24h}");
        entry.wrong_key(findings, problem);
        return;
    };
    *place = Some(Canary { every, failures });
}

fn every(field: &Field<'_>) -> Read<Duration> {
    let every = field.time(LONGEST)?;
    if every < SHORTEST {
        let problem = Problem::error("the remote would be asked too often")
            .help("write at least 1m, such as 24h");
        return Err(Box::new(problem));
    }
    Ok(every)
}
