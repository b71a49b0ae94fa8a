//! Finds groups whose `until` none of their channels can prove for critical messages, with its
//! settings.

use super::{
    channels::Channels,
    group::GroupConfig,
    model::ChannelConfig,
    problem::{Findings, Problem},
    tree::Entry,
};
use crate::event::{Proof, Severity};

const UNTIL: &str = "until";

/// The maximum number of channels and hints in one sentence. More would hide the rest.
const MAX_NAMED: usize = 3;

impl ChannelConfig {
    /// Returns the strongest proof that the channel can give of any message that it would be sent.
    fn proves_at_most(&self) -> Proof {
        let severities = Severity::ALL
            .into_iter()
            .filter(|severity| *severity >= self.options.min_severity);
        let proofs = severities.map(|severity| self.proofs.of(severity));
        proofs.max().unwrap_or(Proof::Accepted)
    }
}

/// Warns about each such group. `entries` are the groups of the file, in the same order.
pub(super) fn check(
    groups: &[GroupConfig],
    entries: &[&Entry],
    channels: &Channels,
    findings: &mut Findings,
) {
    for (group, entry) in groups.iter().zip(entries) {
        let named = group.channels.iter();
        let members: Vec<&ChannelConfig> = named
            .filter_map(|index| channels.list.get(usize::try_from(*index).ok()?))
            .map(|channel| &**channel)
            .collect();
        // The proofs of a plugin that cannot be asked are unknown.
        let is_known = !members.is_empty() && members.iter().all(|it| it.provider.is_ok());
        let critical = members.iter().map(|it| it.proofs.of(Severity::Critical));
        let most = critical.max().unwrap_or(Proof::Accepted);
        // It may be intended that messages of lower severities continue to the last step.
        if !is_known || most >= group.until {
            continue;
        }
        let ever = members.iter().map(|channel| channel.proves_at_most()).max();
        let Some(field) = entry.node.entry(UNTIL) else {
            continue;
        };
        let until = group.until.name();
        let (cannot, what) = match ever.is_some_and(|ever| ever >= group.until) {
            true => (format!("can prove `{until}` of a critical message"), "it"),
            false => (format!("can ever prove `{until}`"), "every message"),
        };
        let sentence = format!(
            "nothing in this group {cannot}, so {what} continues to the last step: {} at \
             most `{}` with these settings",
            prove(&members),
            most.name(),
        );
        let problem = Problem::warning(sentence)
            .help(help(&members, group.until, most))
            .field(UNTIL);
        findings.about(&format!("group {}", group.name), |findings| {
            findings.at(field.node.id, problem);
        });
    }
}

/// Returns the channels and their types, as the beginning of a sentence.
fn prove(members: &[&ChannelConfig]) -> String {
    let named = members.iter().take(MAX_NAMED);
    let named: Vec<String> = named
        .map(|channel| format!("{} ({})", channel.name(), channel.channel_type()))
        .collect();
    let verb = if members.len() == 1 {
        "proves"
    } else {
        "prove"
    };
    let more = match members.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more} {verb}", named.join(", "))
}

/// Returns the settings that would help, and what else would be valid.
fn help(members: &[&ChannelConfig], until: Proof, most: Proof) -> String {
    let hints = members.iter().flat_map(|channel| {
        let hints = channel.proofs.hints().iter();
        let enough = hints.filter(|hint| hint.proof >= until);
        enough.map(|hint| {
            let setting = format!("{}: {}", hint.setting, hint.value);
            match hint.reason.as_str() {
                "" => format!("in {}, write `{setting}`", channel.name()),
                reason => format!("in {}, write `{setting}`: {reason}", channel.name()),
            }
        })
    });
    let mut help: Vec<String> = hints.take(MAX_NAMED).collect();
    if help.is_empty() {
        help.push(format!("name a channel that can prove `{}`", until.name()));
    }
    help.push(format!("or write `{UNTIL}: {}`", most.name()));
    help.join("; ")
}
