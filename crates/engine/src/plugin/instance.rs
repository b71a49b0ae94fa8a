//! One open provider: the only place from which a running plugin is called.
//!
//! It runs in this process, or in a worker process of its own; whoever calls it
//! need not know.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annunciator_core::{
    code::Fault,
    message::DeliveryV1,
    outcome::{CheckResultV1, DeliveryResultV1, OpenErrorV1},
    provider::ProviderBox,
    services::HostBox,
};

use super::{LoadedType, NoAnswer, Pool, calls::Calls, loaded::Code};
use crate::worker::{Circumstances, Keeper};

/// How long a provider may take to open and to close.
pub(crate) const OPEN_LIMIT: Duration = Duration::from_secs(10);
pub(crate) const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A provider for one channel.
pub(crate) enum Instance {
    /// In this process.
    Here(Here),
    /// In another one.
    Apart(Keeper),
}

impl Instance {
    /// Opens a provider.
    pub(crate) async fn open(
        loaded: &LoadedType,
        channel: &str,
        settings_json: &str,
        host: HostBox,
        circumstances: Circumstances,
    ) -> Result<Self, OpenErrorV1> {
        match &loaded.code {
            Code::Here(_) => Here::open(loaded, channel, settings_json, host, circumstances.pool)
                .await
                .map(Self::Here),
            Code::Apart(plugin) => {
                let opening = plugin.opening(&loaded.about.name, channel, settings_json);
                Keeper::open(opening, host, circumstances)
                    .await
                    .map(Self::Apart)
            }
        }
    }

    /// The plugin's file, for sentences.
    pub(crate) fn file(&self) -> &str {
        match self {
            Self::Here(here) => here.calls.file(),
            Self::Apart(keeper) => keeper.file(),
        }
    }

    /// Makes one attempt.
    pub(crate) async fn deliver(
        &self,
        delivery: DeliveryV1,
        limit: Duration,
    ) -> Result<DeliveryResultV1, NoAnswer> {
        match self {
            Self::Here(here) => here.deliver(delivery, limit).await,
            Self::Apart(keeper) => keeper.deliver(delivery, limit).await,
        }
    }

    /// Checks the settings against the remote.
    pub(crate) async fn check(&self, limit: Duration) -> Result<CheckResultV1, NoAnswer> {
        match self {
            Self::Here(here) => here.check(limit).await,
            Self::Apart(keeper) => keeper.check(limit).await,
        }
    }

    /// Closes the provider. One that does not end in time is left behind, or
    /// killed where it can be.
    pub(crate) async fn close(&self) {
        match self {
            Self::Here(here) => here.close().await,
            Self::Apart(keeper) => keeper.close().await,
        }
    }
}

/// A provider in this process.
pub(crate) struct Here {
    /// `None` once it is closed.
    provider: Mutex<Option<Arc<ProviderBox>>>,
    calls: Calls,
}

impl Here {
    /// Opens a provider in this process.
    pub(crate) async fn open(
        loaded: &LoadedType,
        channel: &str,
        settings_json: &str,
        host: HostBox,
        pool: Pool,
    ) -> Result<Self, OpenErrorV1> {
        let calls = Calls::new(channel, &loaded.file.path.display().to_string(), pool);
        let opening = loaded.open(channel, settings_json, host);
        let answer = calls.call(OPEN_LIMIT, opening).await;
        let provider = answer.map_err(|why| not_opened(&why))??;
        Ok(Self {
            provider: Mutex::new(Some(Arc::new(provider))),
            calls,
        })
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<ProviderBox>>> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Arc<ProviderBox>> {
        self.slot().take()
    }

    fn provider(&self) -> Result<Arc<ProviderBox>, NoAnswer> {
        self.slot()
            .clone()
            .ok_or_else(|| NoAnswer::Closed(self.calls.file().to_owned()))
    }

    async fn deliver(
        &self,
        delivery: DeliveryV1,
        limit: Duration,
    ) -> Result<DeliveryResultV1, NoAnswer> {
        let provider = self.provider()?;
        let attempt = async move { provider.deliver(delivery).await };
        self.calls.call(limit, attempt).await
    }

    async fn check(&self, limit: Duration) -> Result<CheckResultV1, NoAnswer> {
        let provider = self.provider()?;
        let check = async move { provider.check().await };
        self.calls.call(limit, check).await
    }

    async fn close(&self) {
        let Some(provider) = self.take() else {
            return;
        };
        // Its destructor runs there too, since that is the plugin's code.
        let close = async move { provider.close().await };
        if let Err(why) = self.calls.call(CLOSE_LIMIT, close).await {
            let why = why.sentence(CLOSING);
            tracing::warn!(channel = self.calls.channel(), "{why}");
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if let Some(provider) = self.take() {
            // A provider's destructor is the plugin's code: not on our thread.
            self.calls
                .pool()
                .spawn(async move { drop(provider) })
                .detach();
        }
    }
}

/// When it was that a provider gave no answer.
pub(crate) const CLOSING: &str = "while it closed the channel";

/// What there is to say of a provider that did not answer when it was opened.
pub(crate) fn not_opened(why: &NoAnswer) -> OpenErrorV1 {
    let (fault, hint) = match why {
        NoAnswer::NotStarted { .. } => (Fault::HOST, ""),
        _ => (Fault::PLUGIN, "report this to the plugin's author"),
    };
    OpenErrorV1 {
        fault,
        detail: why.sentence("while it opened the channel").into(),
        hint: hint.into(),
    }
}
