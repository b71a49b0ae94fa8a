//! The router: finds the open channels of a host or of a list of names, and when the step of each
//! is due in a group.
//!
//! Decides nothing about delivery, and allocates nothing per host.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use annunciator_store::Step;

use crate::{
    config::{ChannelConfig, ChannelIndex, Config, GroupConfig, Named},
    delivery::{Addressee, Channel, ChannelGuard, Turn},
    event::Proof,
};

/// The channels to which a notification goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// The channels of the host with this name.
    Host(&'a str),
    /// The default channels.
    Defaults,
    /// The channels and groups with these names.
    Channels(&'a [&'a str]),
}

impl Route<'_> {
    /// Returns the names of its channels, in order.
    pub(crate) fn named(&self) -> Vec<String> {
        let Self::Channels(names) = self else {
            return Vec::new();
        };
        let names: BTreeSet<&str> = names.iter().copied().collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

/// The open channels, by their numbers in the configuration.
#[derive(Debug, Default)]
pub(crate) struct Router {
    channels: Vec<Arc<Channel>>,
}

/// The error when no channel or group has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no channel `{0}`")]
pub struct UnknownChannel(pub String);

impl Router {
    /// Creates a router. `channels` must be in the order of the configuration.
    pub(crate) fn new(channels: Vec<Arc<Channel>>) -> Self {
        Self { channels }
    }

    pub(crate) fn all(&self) -> &[Arc<Channel>] {
        &self.channels
    }

    /// Returns the open channel that already is what a definition describes, if there is one.
    pub(crate) fn unchanged(
        &self,
        config: &Config,
        definition: &ChannelConfig,
    ) -> Option<&Arc<Channel>> {
        let index = *config.by_name.get(definition.name())?;
        let channel = self.channels.get(usize::try_from(index).ok()?)?;
        channel.is(definition).then_some(channel)
    }

    /// Returns the host of a route, which is empty if the route names none, and the channels of the
    /// route.
    pub(crate) fn route<'a>(
        &self,
        config: &Config,
        route: Route<'a>,
    ) -> Result<(&'a str, Vec<Addressee>), UnknownChannel> {
        Ok(match route {
            Route::Host(host) => (host, self.host(config, host)),
            Route::Defaults => ("", self.defaults(config)),
            Route::Channels(names) => ("", self.named(config, names)?),
        })
    }

    /// Returns the channels of a host: its own, or otherwise the default ones.
    fn host(&self, config: &Config, host: &str) -> Vec<Addressee> {
        match config.groups_of(host) {
            Some(named) => self.in_turn(config, named),
            None => self.at_once(config.route(host)),
        }
    }

    /// Returns the default channels.
    fn defaults(&self, config: &Config) -> Vec<Addressee> {
        match &config.defaults.named {
            Some(named) => self.in_turn(config, named),
            None => self.at_once(&config.defaults.channels),
        }
    }

    /// Returns the channels of these channels and groups, each channel once.
    fn named(&self, config: &Config, names: &[&str]) -> Result<Vec<Addressee>, UnknownChannel> {
        Ok(self.in_turn(config, &find(config, names)?))
    }

    /// Returns the channel with this name.
    pub(crate) fn channel(&self, config: &Config, name: &str) -> Option<ChannelGuard> {
        self.guard(*config.by_name.get(name)?)
    }

    fn at_once(&self, channels: &[ChannelIndex]) -> Vec<Addressee> {
        let guards = channels.iter().filter_map(|index| self.guard(*index));
        guards
            .map(|channel| Addressee {
                channel,
                turn: None,
            })
            .collect()
    }

    fn in_turn(&self, config: &Config, named: &[Named]) -> Vec<Addressee> {
        let planned = turns(config, named).into_iter();
        planned
            .filter_map(|(index, turn)| {
                let channel = self.guard(index)?;
                Some(Addressee { channel, turn })
            })
            .collect()
    }

    fn guard(&self, index: ChannelIndex) -> Option<ChannelGuard> {
        let place = usize::try_from(index).ok()?;
        self.channels.get(place).map(ChannelGuard::new)
    }
}

/// Returns the channels and groups with these names.
pub(crate) fn find(config: &Config, names: &[&str]) -> Result<Vec<Named>, UnknownChannel> {
    let found = |name: &&str| {
        let group = || config.groups_by_name.get(*name);
        match config.by_name.get(*name) {
            Some(index) => Ok(Named::Channel(*index)),
            None => group()
                .map(|group| Named::Group(*group))
                .ok_or_else(|| UnknownChannel((*name).to_owned())),
        }
    };
    names.iter().map(found).collect()
}

/// Returns channels in order, each once, with the time at which each is due. A channel that is
/// itself named is notified at once, even if a group contains it too.
pub(crate) fn turns(config: &Config, named: &[Named]) -> Vec<(ChannelIndex, Option<Turn>)> {
    let mut channels: Vec<(ChannelIndex, Option<Turn>)> = Vec::new();
    for name in named {
        if let Named::Channel(index) = name
            && !channels.iter().any(|(known, _)| known == index)
        {
            channels.push((*index, None));
        }
    }
    for name in named {
        if let Named::Group(index) = name
            && let Some(group) = config.group_at(*index)
        {
            let mut steps = GroupSteps {
                config,
                name: &group.name,
                until: group.until,
                after: Duration::ZERO,
                number: 0,
                channels: &mut channels,
            };
            steps.add(group);
        }
    }
    channels
}

/// The steps of a group, one after the other. The steps of a nested group replace it, with the time
/// that the nested group gives them.
struct GroupSteps<'a> {
    config: &'a Config,
    name: &'a Arc<str>,
    until: Proof,
    after: Duration,
    number: u32,
    channels: &'a mut Vec<(ChannelIndex, Option<Turn>)>,
}

impl GroupSteps<'_> {
    fn add(&mut self, group: &GroupConfig) {
        for step in &group.first_of {
            match step {
                Named::Group(index) => {
                    if let Some(inner) = self.config.group_at(*index) {
                        self.add(inner);
                    }
                }
                Named::Channel(index) if self.channels.iter().any(|(known, _)| known == index) => {}
                Named::Channel(index) => {
                    self.number += 1;
                    let step = Step {
                        group: Arc::clone(self.name),
                        number: self.number,
                        until: self.until,
                    };
                    let after = self.after;
                    self.channels.push((*index, Some(Turn { step, after })));
                    self.after += group.step_after;
                }
            }
        }
    }
}
