//! From a host, or a list of names, to running channels.
//!
//! Decides nothing about delivery; allocates nothing per host.

use std::sync::Arc;

use crate::{
    config::{ChannelConfig, ChannelIndex, Config},
    delivery::{Channel, Held},
};

/// Running channels by the numbers that the configuration gives them.
#[derive(Debug, Default)]
pub(crate) struct Router {
    channels: Vec<Arc<Channel>>,
}

/// A name that no channel has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no channel `{0}`")]
pub struct UnknownChannel(pub String);

impl Router {
    /// `channels` stand in the order of the configuration.
    pub(crate) fn new(channels: Vec<Arc<Channel>>) -> Self {
        Self { channels }
    }

    pub(crate) fn all(&self) -> &[Arc<Channel>] {
        &self.channels
    }

    /// The running channel that needs no change to be what a definition says.
    pub(crate) fn keeper(
        &self,
        config: &Config,
        definition: &ChannelConfig,
    ) -> Option<&Arc<Channel>> {
        let index = *config.by_name.get(definition.name())?;
        let channel = self.channels.get(usize::try_from(index).ok()?)?;
        channel.is(definition).then_some(channel)
    }

    /// The channels of a host: its own, else the defaults.
    pub(crate) fn host(&self, config: &Config, host: &str) -> Vec<Held> {
        self.by_index(config.route(host))
    }

    /// The default channels.
    pub(crate) fn defaults(&self, config: &Config) -> Vec<Held> {
        self.by_index(&config.defaults.channels)
    }

    /// Channels by name, each once. A group counts as its channels.
    pub(crate) fn named(
        &self,
        config: &Config,
        names: &[&str],
    ) -> Result<Vec<Held>, UnknownChannel> {
        let mut indices: Vec<ChannelIndex> = Vec::new();
        for name in names {
            let channels = match config.by_name.get(*name) {
                Some(index) => std::slice::from_ref(index),
                None => match config.group(name) {
                    Some(group) => &group.channels,
                    None => return Err(UnknownChannel((*name).to_owned())),
                },
            };
            for index in channels {
                if !indices.contains(index) {
                    indices.push(*index);
                }
            }
        }
        Ok(self.by_index(&indices))
    }

    fn by_index(&self, indices: &[ChannelIndex]) -> Vec<Held> {
        let places = indices.iter().map(|index| usize::try_from(*index));
        places
            .filter_map(|place| self.channels.get(place.ok()?))
            .map(Held::new)
            .collect()
    }
}
