//! The hosts by name, and the channels of each.
//!
//! The table is optimised for the lookup that every notification makes: the channels of a host. The
//! answer is stored in the table's slot (a name of usual length, the number of a list), so that
//! among many hosts the lookup costs one access to memory that is not in the cache, and not one for
//! every pointer.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use compact_str::CompactString;

use super::{
    group::ResolvedNames,
    model::{ChannelIndex, HostConfig},
};

/// The number of a host, and that of its list.
#[derive(Debug, Clone, Copy)]
struct HostSlot {
    host: u32,
    /// `None` if the host has no channels of its own.
    list: Option<NonZeroU32>,
}

/// Hosts and lists of channels. Equal lists are stored once.
#[derive(Debug, Default)]
pub(crate) struct HostTable {
    places: HashMap<CompactString, HostSlot>,
    hosts: Vec<HostConfig>,
    /// The lists, numbered from 1.
    lists: Vec<Arc<[ChannelIndex]>>,
}

impl HostTable {
    /// Creates a table of hosts. Hosts with equal lists of channels are expected to share one list.
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

    /// Returns the configuration of a host.
    pub(crate) fn host(&self, name: &str) -> Option<&HostConfig> {
        self.at(*self.places.get(name)?)
    }

    /// Returns the channels of a host, if it has its own.
    pub(crate) fn channels(&self, name: &str) -> Option<&Arc<[ChannelIndex]>> {
        let number = self.places.get(name)?.list?.get();
        self.lists.get(usize::try_from(number).ok()? - 1)
    }

    /// Returns the same, including groups.
    pub(crate) fn route(&self, name: &str) -> Option<&ResolvedNames> {
        self.host(name)?.channels.as_deref()
    }

    /// Returns all hosts, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &HostConfig)> {
        self.places
            .iter()
            .filter_map(|(name, place)| Some((name.as_str(), self.at(*place)?)))
    }

    fn at(&self, place: HostSlot) -> Option<&HostConfig> {
        self.hosts.get(usize::try_from(place.host).ok()?)
    }
}
