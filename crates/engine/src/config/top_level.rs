//! The keys at the top of the file, and the options of the embedding program that affect its
//! meaning.

use super::{
    options::Isolation,
    section::{HostKeys, Section},
};
use crate::plugin::PluginDir;

/// The channels, by name.
pub(super) const CHANNELS: &str = "notification_channels";
/// The hosts, by name.
pub(super) const HOSTS: &str = "hosts";
/// The channels of hosts that have none of their own.
pub(crate) const DEFAULTS: &str = "default_notification_channels";
/// The folders of plugins, and the policy that decides which of them may be loaded.
pub(super) const PLUGINS: &str = "plugins";
/// The delivery options. A channel may set some of them under the same key.
pub(super) const DELIVERY: &str = "delivery";
/// Groups of channels, by name.
pub(super) const GROUPS: &str = "notification_groups";
/// The keys of the top level that the engine reads.
pub(super) const KEYS: [&str; 6] = [CHANNELS, DEFAULTS, HOSTS, PLUGINS, DELIVERY, GROUPS];

/// The options besides the file that affect the meaning of a configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoadOptions {
    /// The folders of plugins that the command line or the environment names.
    pub(crate) plugin_dirs: Vec<PluginDir>,
    /// Top-level keys that other parts of the program read.
    pub(crate) known_keys: Vec<String>,
    /// Keys of hosts that other parts of the program read.
    pub(crate) known_host_keys: Vec<String>,
    /// The sections of the file that the embedding program reads.
    pub(crate) sections: Vec<Section>,
    /// The keys of hosts that the embedding program reads.
    pub(crate) host_keys: Option<HostKeys>,
    /// Where plugins run if the file does not set it.
    pub(crate) isolation: Isolation,
}
