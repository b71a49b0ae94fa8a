//! A standalone plugin, without an engine, for tools that examine plugins. The API uses the
//! contract's types and is not stable; programs should not use it.

use std::{path::Path, sync::Arc, time::Duration};

use annunciator_core::{
    message::DeliveryV1,
    outcome::{DeliveryResultV1, OpenErrorV1, ProblemV1},
    provider::ProviderBox,
    services::HostBox,
    version::{ABI_MAJOR, ABI_MINOR},
};
use serde_json::Value as Json;
use tokio::runtime::Handle;

use crate::{
    clock::SystemClock,
    config::{ReadError, read_channels, read_definition},
    plugin::{ChannelType, PluginError, Pool},
    runtime::{Instance, LoadedType, load_uncached},
    worker::{ProviderContext, WorkerProgram},
};

/// The version of the contract that this engine implements: major and minor.
pub const CONTRACT: (u32, u32) = (ABI_MAJOR, ABI_MINOR);

/// A plugin that is loaded to be examined. Each value is a separate copy.
pub struct Standalone(Vec<LoadedType>);

impl Standalone {
    /// Loads a file, whoever owns it, in this process or in workers.
    ///
    /// # Errors
    /// [`PluginError`] when the file cannot be used.
    pub fn load(path: &Path, worker: Option<&WorkerProgram>) -> Result<Self, PluginError> {
        load_uncached(path, worker).map(Self)
    }

    /// Returns the channel types that the plugin offers.
    pub fn types(&self) -> impl Iterator<Item = &ChannelType> {
        self.0.iter().map(|loaded| &loaded.about)
    }

    fn of(&self, channel_type: &str) -> Option<&LoadedType> {
        self.0
            .iter()
            .find(|loaded| loaded.about.name == channel_type)
    }

    /// Has the plugin check settings, on this thread.
    #[must_use]
    pub fn validate(&self, channel_type: &str, settings_json: &str) -> Vec<ProblemV1> {
        let loaded = self.of(channel_type);
        loaded.map_or_else(Vec::new, |loaded| loaded.judge_now(settings_json).problems)
    }

    /// Returns the plugin's own report of the proofs that a channel with these settings can give.
    /// Empty if the plugin cannot report them.
    #[must_use]
    pub fn proofs_json(&self, channel_type: &str, settings_json: &str) -> String {
        let loaded = self.of(channel_type);
        loaded.map_or_else(String::new, |loaded| {
            loaded.judge_now(settings_json).proofs_json
        })
    }

    /// Has the plugin open a provider, which the caller polls. Returns `None` if the plugin does
    /// not offer the type or is not loaded in this process.
    pub fn open(
        &self,
        channel_type: &str,
        settings_json: &str,
        host: HostBox,
    ) -> Option<impl Future<Output = Result<ProviderBox, OpenErrorV1>> + Send + use<>> {
        let loaded = self.of(channel_type)?;
        loaded.open("examined", settings_json, host)
    }

    /// Makes one attempt like the engine, with a provider of its own.
    ///
    /// # Errors
    /// A sentence that says why there is no answer.
    pub async fn deliver(
        &self,
        channel_type: &str,
        settings_json: &str,
        host: HostBox,
        delivery: DeliveryV1,
    ) -> Result<DeliveryResultV1, String> {
        let loaded = self.of(channel_type).ok_or("there is no such type")?;
        let context = ProviderContext {
            pool: Pool::new(Handle::current()),
            clock: Arc::new(SystemClock),
            alerts: None,
            label: "examined".into(),
        };
        let opened = Instance::open(loaded, "examined", settings_json, host, context).await;
        let instance = opened.map_err(|error| error.detail.to_string())?;
        let limit = Duration::from_millis(delivery.timeout_ms);
        let result = instance.deliver(delivery, limit).await;
        instance.close().await;
        result.map_err(|why| why.sentence("while it delivered"))
    }
}

/// Reads the settings of a definition in YAML by the schema of its type. `secret` replaces the
/// values of references.
///
/// # Errors
/// What is wrong with the definition, in lines.
pub fn settings(about: &ChannelType, definition: &str, secret: &str) -> Result<String, String> {
    read_definition(&about.schema, definition, secret)
        .map(|settings| settings.to_string())
        .map_err(|problems| problems.to_string())
}

/// Reads the settings of all channels of a configuration that are of these types, including their
/// secrets. Works with a file that is otherwise invalid.
///
/// # Errors
/// [`ReadError`] with what is wrong with these channels.
pub fn channels(file: &Path, types: &[ChannelType]) -> Result<Vec<(String, String)>, ReadError> {
    let channels = read_channels(file, types)?;
    let text = |(name, settings): (String, Json)| (name, settings.to_string());
    Ok(channels.into_iter().map(text).collect())
}
