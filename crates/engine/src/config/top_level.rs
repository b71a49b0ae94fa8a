//! The keys at the top of the file, and what besides the file decides what it means.

use super::{
    options::Isolation,
    section::{HostKeys, Section},
};
use crate::plugin::PluginDir;

/// The channels, by name.
pub(super) const CHANNELS: &str = "notification_channels";
/// The hosts, by name.
pub(super) const HOSTS: &str = "hosts";
/// The channels of hosts that name none.
pub(crate) const DEFAULTS: &str = "default_notification_channels";
/// Where plugins are, and which of them may be loaded.
pub(super) const PLUGINS: &str = "plugins";
/// How deliveries are made; a channel may have some of it below the same key.
pub(super) const DELIVERY: &str = "delivery";
/// Groups of channels, by name.
pub(super) const GROUPS: &str = "notification_groups";
/// The top level's keys that the engine reads.
pub(super) const KEYS: [&str; 6] = [CHANNELS, DEFAULTS, HOSTS, PLUGINS, DELIVERY, GROUPS];

/// What besides the file decides what a configuration means.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoadOptions {
    /// Folders named by the command line or the environment.
    pub(crate) plugin_dirs: Vec<PluginDir>,
    /// Top-level keys that other parts of the program read.
    pub(crate) known_keys: Vec<String>,
    /// The same for the keys of hosts.
    pub(crate) known_host_keys: Vec<String>,
    /// Parts of the file that the embedding program reads.
    pub(crate) sections: Vec<Section>,
    /// Keys of hosts that it reads.
    pub(crate) host_keys: Option<HostKeys>,
    /// Where plugins run unless the file says so.
    pub(crate) isolation: Isolation,
}
