//! The hosts by name, and the list of channels of each.
//!
//! Made for one question, which every message asks: which channels has this
//! host? What the answer takes stands together in the table's slot (a name of
//! usual length, the number of a list), so that among many hosts it costs one
//! visit to memory that is not in the cache, and not one for every pointer.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use compact_str::CompactString;

use super::{
    group::ResolvedNames,
    model::{ChannelIndex, HostConfig},
};

/// A host's number, and that of its list.
#[derive(Debug, Clone, Copy)]
struct HostSlot {
    host: u32,
    /// `None` when it has no channels of its own.
    list: Option<NonZeroU32>,
}

/// Hosts, and lists of channels, of which equal ones are stored once.
#[derive(Debug, Default)]
pub(crate) struct HostTable {
    places: HashMap<CompactString, HostSlot>,
    hosts: Vec<HostConfig>,
    /// Numbered from one.
    lists: Vec<Arc<[ChannelIndex]>>,
}

impl HostTable {
    /// A table of hosts. A list of channels that several hosts share is
    /// expected to be the same one.
    pub(crate) fn new<'a>(named: impl ExactSizeIterator<Item = (&'a str, HostConfig)>) -> Self {
        let mut table = Self {
            places: HashMap::with_capacity(named.len()),
            hosts: Vec::with_capacity(named.len()),
            lists: Vec::new(),
        };
        let mut numbers = HashMap::new();
        for (name, config) in named {
            let list = config.channels.as_ref().and_then(|list| {
                *numbers.entry(Arc::clone(list)).or_insert_with(|| {
                    table.lists.push(Arc::clone(&list.channels));
                    u32::try_from(table.lists.len())
                        .ok()
                        .and_then(NonZeroU32::new)
                })
            });
            let host = u32::try_from(table.hosts.len()).unwrap_or(u32::MAX);
            table.hosts.push(config);
            table
                .places
                .insert(CompactString::from(name), HostSlot { host, list });
        }
        table
    }

    /// What the file says about a host.
    pub(crate) fn host(&self, name: &str) -> Option<&HostConfig> {
        self.at(*self.places.get(name)?)
    }

    /// The channels of a host, where it has some of its own.
    pub(crate) fn channels(&self, name: &str) -> Option<&Arc<[ChannelIndex]>> {
        let number = self.places.get(name)?.list?.get();
        self.lists.get(usize::try_from(number).ok()? - 1)
    }

    /// The same with the groups among them.
    pub(crate) fn route(&self, name: &str) -> Option<&ResolvedNames> {
        self.host(name)?.channels.as_deref()
    }

    /// All hosts, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &HostConfig)> {
        self.places
            .iter()
            .filter_map(|(name, place)| Some((name.as_str(), self.at(*place)?)))
    }

    fn at(&self, place: HostSlot) -> Option<&HostConfig> {
        self.hosts.get(usize::try_from(place.host).ok()?)
    }
}
