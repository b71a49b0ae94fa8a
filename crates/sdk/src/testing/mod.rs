//! A host that tests script (feature `testing`).
//!
//! [`FakeHost`] stands in for the engine: it answers HTTP requests as scripted, records what was
//! asked of it, and advances its clock only when somebody sleeps. [`FakeHost::open`] opens a
//! provider through the same functions as the engine, guards included.

mod host;
mod sample;
mod tasks;

pub use host::{FakeHost, Reply, Request};
pub use sample::Sample;

use annunciator_core::{ffi::RString, module::OpenRequestV1, provider::ProviderBox};

use crate::{
    finding::{Check, OpenError, Problem},
    outcome::Outcome,
    proofs::Proofs,
    provider::Provider,
    shell::{Entry, open_with, proofs_with, validate_with},
};

/// An open provider, behind the contract.
pub struct Opened(ProviderBox);

impl FakeHost {
    /// Opens a provider with settings, as the engine does.
    ///
    /// # Errors
    /// Fails with the provider's error.
    pub async fn open<P: Provider>(
        &self,
        settings: &serde_json::Value,
    ) -> Result<Opened, OpenError> {
        let request = OpenRequestV1 {
            channel_type: P::TYPE.into(),
            channel: "under_test".into(),
            settings_json: settings.to_string().into(),
            host: self.services(),
            extension_json: RString::new(),
        };
        open_with(&[Entry::of::<P>()], request)
            .await
            .into_result()
            .map(Opened)
            .map_err(OpenError)
    }
}

/// Returns the problems that validation finds in settings.
#[must_use]
pub fn validate<P: Provider>(settings: &serde_json::Value) -> Vec<Problem> {
    validate_with(&[Entry::of::<P>()], P::TYPE, &settings.to_string())
        .into_iter()
        .map(Problem)
        .collect()
}

/// Returns what a channel with these settings can prove.
pub fn proofs<P: Provider>(settings: &serde_json::Value) -> Proofs {
    let answer = proofs_with(&[Entry::of::<P>()], P::TYPE, &settings.to_string());
    Proofs(annunciator_core::proofs::Proofs::parse(&answer).unwrap_or_default())
}

impl Opened {
    /// Makes one attempt.
    pub async fn deliver(&self, sample: &Sample) -> Vec<Outcome> {
        let result = self.0.deliver(sample.delivery()).await;
        result.outcomes.into_iter().map(Outcome::from_raw).collect()
    }

    /// Checks the settings.
    pub async fn check(&self) -> Check {
        Check(self.0.check().await)
    }

    /// Closes the provider.
    pub async fn close(self) {
        self.0.close().await;
    }
}
