//! The checked form of a configuration: everything in it is valid.

use std::{collections::HashMap, fmt, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;

use super::{
    content::CheckedValue,
    group::{GroupConfig, GroupIndex, Named, ResolvedNames},
    host_table::HostTable,
    options::{ChannelOptions, DeliveryConfig, OnUnknown},
    suggest::closest,
};
use crate::{
    plugin::{PluginError, Proofs, Sha256},
    runtime::LoadedType,
};

/// The number of a channel, in the order of the file.
pub(crate) type ChannelIndex = u32;

/// A checked configuration: channels, groups, defaults and hosts.
#[derive(Debug, Default)]
pub struct Config {
    pub(crate) channels: Vec<Arc<ChannelConfig>>,
    pub(crate) by_name: HashMap<Arc<str>, ChannelIndex>,
    pub(crate) defaults: ResolvedNames,
    pub(crate) groups: Vec<GroupConfig>,
    pub(crate) groups_by_name: HashMap<Arc<str>, GroupIndex>,
    pub(crate) hosts: HostTable,
    pub(crate) sections: HashMap<Box<str>, CheckedValue>,
    pub(crate) delivery: DeliveryConfig,
    /// The hash of the text that it was read from. The text itself has secrets.
    pub(crate) source: Option<Sha256>,
}

impl Config {
    /// Returns whether both were read from the same text. What the text refers to, such as files
    /// with secrets, may differ all the same.
    #[must_use]
    pub fn has_same_text(&self, other: &Self) -> bool {
        self.source.is_some() && self.source == other.source
    }

    /// Returns the names of the channels to which notifications about a host go: the host's own, or
    /// the default ones if it has none or is not in the file.
    ///
    /// A group counts as its channels; [`named_by_host`](Self::named_by_host) returns the names as
    /// they are in the file.
    ///
    /// # Examples
    /// ```no_run
    /// # fn example(config: &annunciator::Config) {
    /// assert_eq!(config.channels_for_host("prod-web-01"), ["signal_oncall", "email_ops"]);
    /// # }
    /// ```
    #[doc(alias = "get_notification_channels_for_host")]
    #[must_use]
    pub fn channels_for_host(&self, host: &str) -> Vec<&str> {
        self.channel_configs_for_host(host)
            .into_iter()
            .map(ChannelConfig::name)
            .collect()
    }

    /// Returns the definitions of the channels to which notifications about a host go.
    ///
    /// # Examples
    /// ```no_run
    /// # fn example(config: &annunciator::Config) {
    /// for channel in config.channel_configs_for_host("prod-web-01") {
    ///     println!("{}: {}", channel.name(), channel.settings());
    /// }
    /// # }
    /// ```
    #[doc(alias = "get_notification_channels_config")]
    #[must_use]
    pub fn channel_configs_for_host(&self, host: &str) -> Vec<&ChannelConfig> {
        self.route(host)
            .iter()
            .filter_map(|index| self.by_index(*index))
            .collect()
    }

    /// Returns the definition of the channel with this name.
    ///
    /// # Examples
    /// ```no_run
    /// # fn example(config: &annunciator::Config) {
    /// assert_eq!(config.channel("email_ops").map(|channel| channel.channel_type()), Some("email"));
    /// # }
    /// ```
    #[doc(alias = "get_channel_config")]
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&ChannelConfig> {
        self.by_index(*self.by_name.get(name)?)
    }

    /// Returns all channels, in the order of the file.
    pub fn channels(&self) -> impl Iterator<Item = &ChannelConfig> {
        self.channels.iter().map(|channel| &**channel)
    }

    /// Returns the names in the file to which notifications about a host go: the host's own
    /// channels and groups, or the default ones.
    #[must_use]
    pub fn named_by_host(&self, host: &str) -> Vec<&str> {
        let own = self
            .hosts
            .host(host)
            .and_then(|host| host.channels.as_deref());
        self.names(own.unwrap_or(&self.defaults))
    }

    /// Returns the names of the default channels and groups, as they are in the file.
    #[must_use]
    pub fn named_by_default(&self) -> Vec<&str> {
        self.names(&self.defaults)
    }

    /// Returns the group with this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&GroupConfig> {
        self.group_at(*self.groups_by_name.get(name)?)
    }

    /// Returns all groups, in the order of the file.
    pub fn groups(&self) -> impl Iterator<Item = &GroupConfig> {
        self.groups.iter()
    }

    /// Returns the name of a channel or group that is most similar to `name`, as a suggestion for a
    /// mistyped name. Returns `None` if none is similar.
    #[must_use]
    pub fn closest(&self, name: &str) -> Option<&str> {
        let channels = self.channels().map(ChannelConfig::name);
        closest(name, channels.chain(self.groups().map(GroupConfig::name)))
    }

    /// Returns the names of the default channels.
    #[must_use]
    pub fn default_channels(&self) -> Vec<&str> {
        self.defaults
            .channels
            .iter()
            .filter_map(|index| self.by_index(*index))
            .map(ChannelConfig::name)
            .collect()
    }

    /// Returns the configuration of the host with this name.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&HostConfig> {
        self.hosts.host(name)
    }

    /// Returns all hosts, by name.
    #[must_use]
    pub fn hosts(&self) -> Vec<(&str, &HostConfig)> {
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        hosts.sort_unstable_by_key(|(name, _)| *name);
        hosts
    }

    /// Returns the content of a section that
    /// [`EngineBuilder::section`](crate::EngineBuilder::section) declared, or `None` if the file
    /// has no such section. Secrets in it are in plain text.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Json> {
        self.sections.get(name).map(CheckedValue::value)
    }

    /// Returns the delivery options that apply to no single channel.
    #[must_use]
    pub fn delivery(&self) -> &DeliveryConfig {
        &self.delivery
    }

    /// Returns the channels of a host, by number. Does not allocate, because every notification
    /// makes this lookup.
    pub(crate) fn route(&self, host: &str) -> &Arc<[ChannelIndex]> {
        self.hosts.channels(host).unwrap_or(&self.defaults.channels)
    }

    /// Returns the channels and groups of a host, if there is a group among them.
    pub(crate) fn groups_of(&self, host: &str) -> Option<&[Named]> {
        // Without groups, no lookup is needed.
        let route = (!self.groups.is_empty()).then(|| self.hosts.route(host))?;
        route.unwrap_or(&self.defaults).named.as_deref()
    }

    fn names(&self, route: &ResolvedNames) -> Vec<&str> {
        let name = |named| match named {
            Named::Channel(index) => self.by_index(index).map(ChannelConfig::name),
            Named::Group(index) => self.group_at(index).map(GroupConfig::name),
        };
        route.named().into_iter().filter_map(name).collect()
    }

    pub(crate) fn group_at(&self, index: GroupIndex) -> Option<&GroupConfig> {
        self.groups.get(usize::try_from(index).ok()?)
    }

    fn by_index(&self, index: ChannelIndex) -> Option<&ChannelConfig> {
        self.channels
            .get(usize::try_from(index).ok()?)
            .map(|channel| &**channel)
    }
}

/// The definition of a channel.
pub struct ChannelConfig {
    pub(crate) name: Arc<str>,
    pub(crate) channel_type: Box<str>,
    pub(crate) shown: Json,
    pub(crate) settings: SecretString,
    pub(crate) options: ChannelOptions,
    pub(crate) proofs: Proofs,
    /// Whether the files that its settings name existed when the definition was read.
    pub(crate) has_files: bool,
    pub(crate) provider: Result<Arc<LoadedType>, Arc<PluginError>>,
}

impl ChannelConfig {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the `type`.
    #[must_use]
    pub fn channel_type(&self) -> &str {
        &self.channel_type
    }

    /// Returns the settings, with every secret replaced by `***`, or null if the channel's plugin
    /// cannot be used.
    #[must_use]
    pub fn settings(&self) -> &Json {
        &self.shown
    }

    /// Returns the delivery options.
    #[must_use]
    pub fn options(&self) -> &ChannelOptions {
        &self.options
    }

    /// Returns the proofs that the channel can give of its deliveries, according to its plugin. If
    /// the plugin cannot be used or was built for contract 1.0, that is [`Proof::Accepted`] only.
    ///
    /// [`Proof::Accepted`]: crate::Proof::Accepted
    #[must_use]
    pub fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    /// Returns whether an attempt with an unknown outcome is repeated.
    pub(crate) fn resends_unknown(&self) -> bool {
        let is_idempotent = self.provider.as_ref().is_ok_and(|it| it.is_idempotent());
        is_idempotent || self.options.on_unknown != OnUnknown::Drop
    }

    /// Returns whether a channel with the other definition would behave the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_provider = match (&self.provider, &other.provider) {
            (Ok(ours), Ok(theirs)) => Arc::ptr_eq(ours, theirs),
            (Err(ours), Err(theirs)) => ours.to_string() == theirs.to_string(),
            _ => false,
        };
        same_provider
            && self.name == other.name
            && self.channel_type == other.channel_type
            && self.options == other.options
            && self.settings.expose_secret() == other.settings.expose_secret()
    }

    /// Returns why the channel is disabled, if its plugin cannot be used.
    #[must_use]
    pub fn disabled(&self) -> Option<&PluginError> {
        self.provider.as_ref().err().map(|error| &**error)
    }
}

impl fmt::Debug for ChannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelConfig")
            .field("name", &self.name)
            .field("type", &self.channel_type)
            .field("settings", &self.shown)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The configuration of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostConfig {
    /// The host's own channels, if it has any.
    pub(crate) channels: Option<Arc<ResolvedNames>>,
    /// The name of the host's thresholds.
    pub threshold_config: Option<Arc<str>>,
    /// Whether the events of the host's heartbeat are sent.
    pub watch: bool,
    /// The value as it was typed. The engine does not use it.
    pub dyndns: Option<Box<str>>,
    /// The values of the declared keys. Equal values are stored once.
    pub(crate) extra: Option<Arc<CheckedValue>>,
}

impl HostConfig {
    /// Returns whether the host has channels of its own.
    #[must_use]
    pub fn has_own_channels(&self) -> bool {
        self.channels.is_some()
    }

    /// Returns the values of the keys that
    /// [`EngineBuilder::host_keys`](crate::EngineBuilder::host_keys) declared, or `None` if the
    /// host has none of them.
    #[must_use]
    pub fn extra(&self) -> Option<&Json> {
        self.extra.as_ref().map(|content| content.value())
    }
}
