//! From a host, or a list of names, to running channels.
//!
//! Decides nothing about delivery; allocates nothing per host.

use std::sync::Arc;

use crate::{
    config::{ChannelIndex, Config},
    delivery::Channel,
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

    /// The channels of a host: its own, else the defaults.
    pub(crate) fn host<'a>(
        &'a self,
        config: &'a Config,
        host: &str,
    ) -> impl Iterator<Item = &'a Arc<Channel>> {
        self.by_index(config.route(host))
    }

    /// The default channels.
    pub(crate) fn defaults<'a>(
        &'a self,
        config: &'a Config,
    ) -> impl Iterator<Item = &'a Arc<Channel>> {
        self.by_index(&config.defaults)
    }

    /// Channels by name, each once.
    pub(crate) fn named(
        &self,
        config: &Config,
        names: &[&str],
    ) -> Result<Vec<Arc<Channel>>, UnknownChannel> {
        let mut indices: Vec<ChannelIndex> = Vec::new();
        for name in names {
            let index = config
                .by_name
                .get(*name)
                .ok_or_else(|| UnknownChannel((*name).to_owned()))?;
            if !indices.contains(index) {
                indices.push(*index);
            }
        }
        Ok(self.by_index(&indices).cloned().collect())
    }

    fn by_index<'a>(
        &'a self,
        indices: &'a [ChannelIndex],
    ) -> impl Iterator<Item = &'a Arc<Channel>> {
        indices
            .iter()
            .filter_map(|index| self.channels.get(usize::try_from(*index).ok()?))
    }
}
