//! Reports the channels whose plugin cannot be used, once for each cause.

use std::collections::HashMap;

use super::{
    model::ChannelConfig,
    problem::{Findings, Problem},
    redact::subject_only,
    tree::NodeId,
};

/// The maximum number of channels that are named for one cause.
const MAX_NAMED: usize = 5;

/// The channels that are disabled by the same cause.
struct SharedCause<'a> {
    cause: String,
    is_required: bool,
    /// The place of the first channel's type.
    place: NodeId,
    names: Vec<&'a str>,
}

/// Reports the disabled channels among these. Each cause is reported once, at the type of the first
/// channel that it disables. It is an error if the channels are required, and otherwise a warning.
pub(super) fn report<'a>(
    channels: impl Iterator<Item = (NodeId, &'a ChannelConfig)>,
    findings: &mut Findings,
) {
    let mut all: Vec<SharedCause<'_>> = Vec::new();
    let mut known: HashMap<(String, bool), usize> = HashMap::new();
    for (place, channel) in channels {
        let Some(error) = channel.disabled() else {
            continue;
        };
        let (cause, is_required) = (error.to_string(), channel.options().required);
        let index = *known
            .entry((cause.clone(), is_required))
            .or_insert_with(|| {
                all.push(SharedCause {
                    cause,
                    is_required,
                    place,
                    names: Vec::new(),
                });
                all.len() - 1
            });
        if let Some(disabled) = all.get_mut(index) {
            disabled.names.push(channel.name());
        }
    }
    for disabled in all {
        let (subject, message) = match &*disabled.names {
            [one] => (
                Some(format!("channel {one}")),
                format!("this channel is disabled: {}", disabled.cause),
            ),
            names => (
                None,
                format!(
                    "channels {} are disabled: {}",
                    listed(names),
                    disabled.cause
                ),
            ),
        };
        let problem = if disabled.is_required {
            Problem::error(message)
        } else {
            Problem::warning(message)
        };
        findings.at(disabled.place, Problem { subject, ..problem });
    }
}

/// Returns names for a sentence: `a, b and c`, or `a, b, c, d, e and 2 more`.
fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(MAX_NAMED);
    let mut shown: Vec<String> = shown.map(|name| subject_only((*name).to_owned())).collect();
    let last = match names.len().saturating_sub(MAX_NAMED) {
        0 => shown.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    format!("{} and {last}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn many_names_are_cut() {
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a", "b", "c", "d", "e"]), "a, b, c, d and e");
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(listed(&many), "a, b, c, d, e and 2 more");
    }
}
