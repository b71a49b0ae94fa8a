//! Finds options that need a store where deliveries are not stored.

use super::{
    super::{
        problem::{Findings, Problem},
        top_level::DELIVERY,
        tree::{Entry, Node, Value},
    },
    schema::{CHANNEL, property},
    value::NONE,
};

/// Warns about options, of all channels or of one, that cannot work without a store.
pub(in super::super) fn check(root: &Node, channels: &str, findings: &mut Findings) {
    of_mapping(root.entry(DELIVERY), findings);
    let channels = root.entry(channels).map(|entry| &entry.node.value);
    let Some(Value::Map(channels)) = channels else {
        return;
    };
    for channel in channels {
        let subject = format!("channel {}", channel.key);
        let entry = channel.node.entry(DELIVERY);
        findings.about(&subject, |findings| of_mapping(entry, findings));
    }
}

fn of_mapping(entry: Option<&Entry>, findings: &mut Findings) {
    let Some(Value::Map(fields)) = entry.map(|entry| &entry.node.value) else {
        return;
    };
    let needs_store = |field: &&Entry| {
        let schema = property(&CHANNEL, &field.key);
        schema.is_some_and(|schema| schema.get("x-annunciator-needs-store").is_some())
    };
    for field in fields.iter().filter(needs_store) {
        if is_none(&field.node) {
            continue;
        }
        let problem = Problem::warning(
            "this needs a record of deliveries, and `delivery.store` is none: each delivery is tried once, at once",
        )
        .field(format!("{DELIVERY}.{}", field.key))
        .help("store deliveries in a file, or remove this");
        findings.at(field.key_id, problem);
    }
}

fn is_none(node: &Node) -> bool {
    node.is_null() || matches!(&node.value, Value::Scalar(_, text) if **text == *NONE)
}
