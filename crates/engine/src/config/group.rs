//! The model of channel lists: channels, and groups of them (failover and escalation).
//!
//! `delivery` carries out the steps of a group. Code that does not use steps reads `channels`: all
//! channels that are notified, at once.

use std::{sync::Arc, time::Duration};

use super::model::ChannelIndex;
use crate::event::Proof;

/// The number of a group, in the order of the file.
pub(crate) type GroupIndex = u32;

/// A name in a list, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Named {
    Channel(ChannelIndex),
    Group(GroupIndex),
}

/// A list of names, resolved. Equal lists are stored once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct ResolvedNames {
    /// The channels that are named and those of the groups, each once.
    pub(crate) channels: Arc<[ChannelIndex]>,
    /// What was named, if it includes a group. Otherwise it is the channels.
    pub(crate) named: Option<Box<[Named]>>,
}

impl ResolvedNames {
    /// Returns what was named, in order, each once.
    pub(crate) fn named(&self) -> Vec<Named> {
        match &self.named {
            Some(named) => named.to_vec(),
            None => self.channels.iter().copied().map(Named::Channel).collect(),
        }
    }
}

/// A group of channels that are notified one after the other until one delivery proves enough
/// (failover and escalation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupConfig {
    pub(crate) name: Arc<str>,
    pub(crate) first_of: Box<[Named]>,
    /// The names of `first_of`.
    pub(crate) steps: Box<[Arc<str>]>,
    pub(crate) until: Proof,
    pub(crate) step_after: Duration,
    /// The channels of the group and those of its groups, each once.
    pub(crate) channels: Arc<[ChannelIndex]>,
}

impl GroupConfig {
    /// Returns the name of the group.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names of the channels and groups that are its steps, in order.
    pub fn first_of(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|name| &**name)
    }

    /// Returns the proof that ends the group.
    #[must_use]
    pub fn until(&self) -> Proof {
        self.until
    }

    /// Returns how long each step has to give that proof, before the next one is notified.
    #[must_use]
    pub fn step_after(&self) -> Duration {
        self.step_after
    }
}
