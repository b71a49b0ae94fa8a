//! The model's treatment of an idempotency key that is used again.

use std::collections::BTreeMap;

use annunciator_store::{Intake, StoredContent};

/// Returns the differences between two notifications with one key, in words.
pub(super) fn differences(first: &Intake, again: &Intake) -> String {
    let read = |intake: &Intake| serde_json::from_str::<StoredContent>(&intake.content).ok();
    let sorted = |content: &StoredContent| {
        let attributes = content.attributes.iter().cloned();
        attributes.collect::<BTreeMap<_, _>>()
    };
    let mut differs = match (read(first), read(again)) {
        (Some(one), Some(other)) => {
            let is_dated = one.is_dated || other.is_dated;
            let both_say = one.to.is_some() && other.to.is_some();
            [
                ("message", one.body != other.body || one.note != other.note),
                ("title", one.title != other.title),
                ("route", both_say && one.to != other.to),
                (
                    "time of occurrence",
                    is_dated && one.occurred_at_ms != other.occurred_at_ms,
                ),
                ("attributes", sorted(&one) != sorted(&other)),
            ]
            .to_vec()
        }
        _ => vec![("content", first.content != again.content)],
    };
    differs.extend([
        ("host", first.host != again.host),
        ("incident", first.incident != again.incident),
        ("kind", first.kind != again.kind),
        ("severity", first.severity != again.severity),
    ]);
    differs.retain(|(_, differs)| *differs);
    let names: Vec<&str> = differs.into_iter().map(|(name, _)| name).collect();
    match &names[..] {
        [] => String::new(),
        ["attributes"] => "its attributes differ".to_owned(),
        [one] => format!("its {one} differs"),
        [others @ .., last] => format!("its {} and its {last} differ", others.join(", its ")),
    }
}
