//! What only a store can do, where deliveries are kept in none.

use super::{
    super::{
        problem::{Findings, Problem},
        tree::{Entry, Node, Value},
    },
    KEY,
    field::NONE,
};

/// The options that look back or ahead.
const FIELDS: [&str; 6] = [
    "retry",
    "ttl",
    "rate_limit",
    "quiet_hours",
    "dedup",
    "on_unknown",
];

/// Warns of what is said, by all channels or by one, and cannot be done.
pub(in super::super) fn check(root: &Node, channels: &str, findings: &mut Findings) {
    of_mapping(root.entry(KEY), findings);
    let channels = root.entry(channels).map(|entry| &entry.node.value);
    let Some(Value::Map(channels)) = channels else {
        return;
    };
    for channel in channels {
        let subject = format!("channel {}", channel.key);
        let entry = channel.node.entry(KEY);
        findings.about(&subject, |findings| of_mapping(entry, findings));
    }
}

fn of_mapping(entry: Option<&Entry>, findings: &mut Findings) {
    let Some(Value::Map(fields)) = entry.map(|entry| &entry.node.value) else {
        return;
    };
    let said = fields
        .iter()
        .filter(|field| FIELDS.contains(&&*field.key) && !is_none(&field.node));
    for field in said {
        let problem = Problem::warning(
            "this needs a record of deliveries, and `delivery.store` is none: each is tried once, when it comes",
        )
        .field(format!("{KEY}.{}", field.key))
        .help("have deliveries kept in a file, or remove this");
        findings.at(field.key_id, problem);
    }
}

fn is_none(node: &Node) -> bool {
    node.is_null() || matches!(&node.value, Value::Scalar(_, text) if **text == *NONE)
}
