//! Reachability: which hosts have a channel that can be used.

use std::collections::{HashMap, HashSet};

use super::{
    model::{ChannelConfig, ChannelIndex, Config},
    problem::{Findings, Problem},
    redact::subject_only,
    top_level::{DEFAULTS, HOSTS},
    tree::{Entry, Node, Value},
};

/// The reachability of people: how many channels can be used, and which hosts have none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// The number of channels.
    pub channels: usize,
    /// The number of channels that can be used.
    pub usable: usize,
    /// The number of hosts.
    pub hosts: usize,
    /// The number of hosts whose notifications would reach nobody.
    pub unreached: usize,
    /// Whether there are default channels, but none of them can be used.
    pub defaults_unreached: bool,
}

impl Reach {
    /// Returns whether every host, and the defaults if there are any, have a channel that can be
    /// used.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.usable > 0 && self.unreached == 0 && !self.defaults_unreached
    }
}

impl Config {
    /// Returns whom notifications would reach through the channels that could be used when the
    /// configuration was read: those whose plugin could be, and whose settings named files that
    /// existed.
    ///
    /// # Examples
    /// ```no_run
    /// # fn example(config: &annunciator::Config) {
    /// let reach = config.reach();
    /// println!("{} of {} channels can be used", reach.usable, reach.channels);
    /// # }
    /// ```
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach_without(&[])
    }

    /// Returns whom notifications would reach without the channels with these names, which turned
    /// out to be unusable, for example in
    /// [`EngineBuilder::open_once`](crate::EngineBuilder::open_once).
    #[must_use]
    pub fn reach_without(&self, unusable: &[&str]) -> Reach {
        let mut lists = Lists::without(self, unusable);
        let hosts = self.hosts.iter();
        let unreached = hosts.filter(|(name, _)| !lists.reach(name));
        let unreached = unreached.count();
        let defaults = &self.defaults.channels;
        Reach {
            channels: self.channels.len(),
            usable: lists.usable.iter().filter(|usable| **usable).count(),
            hosts: self.hosts.iter().count(),
            unreached,
            defaults_unreached: !defaults.is_empty() && !lists.any(defaults),
        }
    }
}

/// The lists of channels that could deliver. Each is checked once, because many hosts share a list
/// and a list may be long.
struct Lists<'c> {
    config: &'c Config,
    /// Whether each channel can be used, by number.
    usable: Vec<bool>,
    /// Whether each list could deliver, by the list's address, which is constant while the
    /// configuration lives.
    known: HashMap<*const ChannelIndex, bool>,
}

impl<'c> Lists<'c> {
    fn of(config: &'c Config) -> Self {
        Self::without(config, &[])
    }

    fn without(config: &'c Config, unusable: &[&str]) -> Self {
        let unusable: HashSet<&str> = unusable.iter().copied().collect();
        let channels = config.channels();
        let is_usable = |channel: &ChannelConfig| {
            channel.disabled().is_none() && channel.has_files && !unusable.contains(channel.name())
        };
        Self {
            config,
            usable: channels.map(is_usable).collect(),
            known: HashMap::new(),
        }
    }

    /// Returns whether notifications about a host would reach anybody.
    fn reach(&mut self, host: &str) -> bool {
        self.any(self.config.route(host))
    }

    fn any(&mut self, list: &'c [ChannelIndex]) -> bool {
        let usable = |index: &ChannelIndex| {
            let place = usize::try_from(*index).ok();
            place.and_then(|place| self.usable.get(place)) == Some(&true)
        };
        let known = self.known.entry(list.as_ptr());
        *known.or_insert_with(|| list.iter().any(usable))
    }
}

/// Warns about hosts whose notifications would reach nobody.
pub(super) fn warn_unreached(root: &Node, config: &Config, findings: &mut Findings) {
    if findings.errors() > 0 {
        // After another error, this would only be a consequence.
        return;
    }
    let mut lists = Lists::of(config);
    let defaults = &config.defaults.channels;
    if let Some(entry) = root.entry(DEFAULTS)
        && !defaults.is_empty()
        && !lists.any(defaults)
    {
        let problem = Problem::warning("no default channel can be used: nobody would be notified");
        findings.at(entry.key_id, problem.field(DEFAULTS));
    }
    let Some(Value::Map(entries)) = root.entry(HOSTS).map(|hosts| &hosts.node.value) else {
        return;
    };
    let are_there = |entry: &&Entry| !config.route(&entry.key).is_empty();
    let (some, none): (Vec<&Entry>, Vec<&Entry>) = entries
        .iter()
        .filter(|entry| !lists.reach(&entry.key))
        .partition(are_there);
    if let [first, more @ ..] = &*none {
        let (hosts, have) = named(first, more);
        let problem = Problem::warning(format!(
            "{hosts} {have} no channels, and there are no defaults: nobody would be notified"
        ));
        let help = format!("name channels for the host, or {DEFAULTS} for all that have none");
        findings.at(first.key_id, problem.help(help));
    }
    if let [first, more @ ..] = &*some {
        let (hosts, have) = named(first, more);
        let problem = Problem::warning(format!(
            "{hosts} {have} only channels that cannot be used: nobody would be notified"
        ));
        findings.at(first.key_id, problem);
    }
}

/// Returns the hosts as the subject of a sentence, and its verb.
fn named(first: &Entry, more: &[&Entry]) -> (String, &'static str) {
    let name = subject_only(first.key.to_string());
    match more.len() {
        0 => (format!("host {name}"), "has"),
        more => (format!("hosts {name} and {more} more"), "have"),
    }
}
