//! Reads the `delivery:` at the top of the file: the options of all channels that
//! don't say it themselves, and what concerns no single channel.

use std::{path::Path, time::Duration};

use super::{
    super::{
        files::Purpose,
        policy::{ChannelOptions, DeliveryConfig, Keep, StorePlace},
        problem::{Findings, Problem},
        tree::{Node, Value},
    },
    FIELDS as OF_CHANNELS, KEY,
    field::{Field, NONE, Read},
    one,
    sense::{self, Said},
};

/// The fields that channels don't have.
pub(super) const FIELDS: [&str; 3] = ["store", "wait", "keep"];
const KEEP_FIELDS: [&str; 2] = ["age", "notifications"];
/// Ten years: whoever wants more, copies the file.
const LONGEST_KEPT: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
const MOST_KEPT: u32 = 1_000_000_000;
/// Who waits longer wants to look later.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// What SQLite calls a database in no file.
const MEMORY: &str = ":memory:";

/// Reads the mapping of a file, if it has one; what it does not say is as
/// `unsaid` has it.
pub(in super::super) fn read(
    root: &Node,
    unsaid: ChannelOptions,
    findings: &mut Findings,
) -> (ChannelOptions, DeliveryConfig) {
    let (mut options, mut delivery) = (unsaid, DeliveryConfig::default());
    let entry = root.entry(KEY).filter(|entry| !entry.node.is_null());
    let Some(fields) = entry.and_then(|entry| Field::all(entry, KEY, findings)) else {
        return (options, delivery);
    };
    let mut said = Said::default();
    for field in fields {
        match field.name() {
            "store" => {
                field.put(findings, &mut delivery.store, store);
                if let StorePlace::File(path) = &delivery.store
                    && let Some(warning) = Purpose::Create.warning(&path.to_string_lossy())
                {
                    field.wrong(findings, warning);
                }
            }
            "wait" => {
                let time = |field: &Field<'_>| field.time(LONGEST_WAIT);
                field.put(findings, &mut delivery.wait, time);
            }
            "keep" => keep(&field, &mut delivery.keep, findings),
            _ if one(&field, &mut options, &mut said, findings) => {}
            _ => field.is_unknown(findings, &[&OF_CHANNELS[..], &FIELDS].concat()),
        }
    }
    sense::check(&mut options, &said, findings);
    (options, delivery)
}

fn keep(entry: &Field<'_>, keep: &mut Keep, findings: &mut Findings) {
    for field in entry.fields(findings).unwrap_or_default() {
        match field.name() {
            "age" => {
                let time = |field: &Field<'_>| field.time(LONGEST_KEPT);
                field.put(findings, &mut keep.age, time);
            }
            "notifications" => {
                let number = |field: &Field<'_>| field.number(1..=MOST_KEPT).map(u64::from);
                field.put(findings, &mut keep.notifications, number);
            }
            _ => field.is_unknown(findings, &KEEP_FIELDS),
        }
    }
}

/// A file, which need not be there.
fn store(field: &Field<'_>) -> Read<StorePlace> {
    if let Value::Scalar(_, text) = &field.node().value {
        match &**text {
            "" => return Ok(StorePlace::Unsaid),
            MEMORY => return Ok(StorePlace::Memory),
            NONE => return Ok(StorePlace::Nowhere),
            _ => {}
        }
    }
    let text = field.text("the absolute path of a file")?;
    let problem = if !Path::new(text).is_absolute() {
        Problem::error("expected the absolute path of a file").help("write the whole path, from /")
    } else if text.ends_with('/') {
        Problem::error("expected a file, found a folder")
            .help("add the name of a file, such as outbox.sqlite")
    } else {
        return Ok(StorePlace::File(text.into()));
    };
    Err(Box::new(problem))
}
