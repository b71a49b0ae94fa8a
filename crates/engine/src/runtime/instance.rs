//! An open provider of a channel: the only place from which a running plugin is called.
//!
//! The provider runs in this process or in a worker process of its own. Callers need not know
//! which.

use std::time::Duration;

use annunciator_core::{
    message::DeliveryV1,
    outcome::{CheckResultV1, DeliveryResultV1, OpenErrorV1},
    services::HostBox,
};

use super::loaded::{Code, LoadedType};
use crate::{
    plugin::{CallError, Provider},
    worker::{ProviderContext, Supervisor},
};

/// The open provider of one channel.
pub(crate) enum Instance {
    InProcess(Provider),
    OutOfProcess(Supervisor),
}

impl Instance {
    /// Opens a provider.
    pub(crate) async fn open(
        loaded: &LoadedType,
        channel: &str,
        settings_json: &str,
        host: HostBox,
        context: ProviderContext,
    ) -> Result<Self, OpenErrorV1> {
        match &loaded.code {
            Code::InProcess(plugin) => {
                let from = (*plugin, &*loaded.file.path);
                let names = (loaded.about.name.as_str(), channel);
                Provider::open(from, names, settings_json, host, context.pool)
                    .await
                    .map(Self::InProcess)
            }
            Code::OutOfProcess(plugin) => {
                let opening = plugin.opening(&loaded.about.name, channel, settings_json);
                Supervisor::open(opening, host, context)
                    .await
                    .map(Self::OutOfProcess)
            }
        }
    }

    /// Returns the path of the plugin's file, for error messages.
    pub(crate) fn file(&self) -> &str {
        match self {
            Self::InProcess(provider) => provider.file(),
            Self::OutOfProcess(supervisor) => supervisor.file(),
        }
    }

    /// Makes one attempt.
    pub(crate) async fn deliver(
        &self,
        delivery: DeliveryV1,
        limit: Duration,
    ) -> Result<DeliveryResultV1, CallError> {
        match self {
            Self::InProcess(provider) => provider.deliver(delivery, limit).await,
            Self::OutOfProcess(supervisor) => supervisor.deliver(delivery, limit).await,
        }
    }

    /// Checks the settings against the remote.
    pub(crate) async fn check(&self, limit: Duration) -> Result<CheckResultV1, CallError> {
        match self {
            Self::InProcess(provider) => provider.check(limit).await,
            Self::OutOfProcess(supervisor) => supervisor.check(limit).await,
        }
    }

    /// Closes the provider. A provider that does not close in time is abandoned or, in a worker
    /// process, killed.
    pub(crate) async fn close(&self) {
        match self {
            Self::InProcess(provider) => provider.close().await,
            Self::OutOfProcess(supervisor) => supervisor.close().await,
        }
    }
}
