//! An open provider in this process. Its plugin's code runs on the threads of the pool, within time
//! limits.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annunciator_core::{
    message::DeliveryV1,
    outcome::{CheckResultV1, DeliveryResultV1, OpenErrorV1},
    provider::ProviderBox,
    services::HostBox,
};

use super::{
    call_error::{CLOSING, CallError, not_opened},
    in_process::InProcess,
    limit::{CLOSE_TIMEOUT, OPEN_TIMEOUT},
    pool::{Calls, Pool},
};

/// An open provider in this process.
pub(crate) struct Provider {
    /// `None` when the provider is closed.
    provider: Mutex<Option<Arc<ProviderBox>>>,
    calls: Calls,
}

impl Provider {
    /// Opens a provider of a channel type for a channel. `file` is the path of its plugin.
    pub(crate) async fn open(
        (plugin, file): (InProcess, &Path),
        (channel_type, channel): (&str, &str),
        settings_json: &str,
        host: HostBox,
        pool: Pool,
    ) -> Result<Self, OpenErrorV1> {
        let calls = Calls::new(channel, &file.display().to_string(), pool);
        let opening = plugin.open(channel_type, channel, settings_json, host);
        let answer = calls.call(OPEN_TIMEOUT, opening).await;
        let provider = answer.map_err(|why| not_opened(&why))??;
        Ok(Self {
            provider: Mutex::new(Some(Arc::new(provider))),
            calls,
        })
    }

    /// Returns the path of the plugin's file, for error messages.
    pub(crate) fn file(&self) -> &str {
        self.calls.file()
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<ProviderBox>>> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Arc<ProviderBox>> {
        self.slot().take()
    }

    fn provider(&self) -> Result<Arc<ProviderBox>, CallError> {
        self.slot()
            .clone()
            .ok_or_else(|| CallError::Closed(self.calls.file().to_owned()))
    }

    /// Makes one attempt.
    pub(crate) async fn deliver(
        &self,
        delivery: DeliveryV1,
        limit: Duration,
    ) -> Result<DeliveryResultV1, CallError> {
        let provider = self.provider()?;
        let attempt = async move { provider.deliver(delivery).await };
        self.calls.call(limit, attempt).await
    }

    /// Checks the settings against the remote.
    pub(crate) async fn check(&self, limit: Duration) -> Result<CheckResultV1, CallError> {
        let provider = self.provider()?;
        let check = async move { provider.check().await };
        self.calls.call(limit, check).await
    }

    /// Closes the provider. A provider that does not close in time is abandoned.
    pub(crate) async fn close(&self) {
        let Some(provider) = self.take() else {
            return;
        };
        // The destructor also runs on the pool, because it is the plugin's code.
        let close = async move { provider.close().await };
        if let Err(why) = self.calls.call(CLOSE_TIMEOUT, close).await {
            let why = why.sentence(CLOSING);
            tracing::warn!(channel = self.calls.channel(), "{why}");
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(provider) = self.take() {
            // The provider's destructor is the plugin's code and must not run on this thread.
            self.calls
                .pool()
                .spawn(async move { drop(provider) })
                .detach();
        }
    }
}
