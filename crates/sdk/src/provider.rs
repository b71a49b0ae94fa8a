//! The trait that a plugin implements.

use std::future::Future;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    delivery::Delivery,
    finding::{Check, OpenError, Problem},
    host::Host,
    outcome::Outcome,
    proofs::Proofs,
};

/// A channel type: what a `type` in the configuration selects.
///
/// One value is one open channel. Its methods are called from any of the host's threads, several
/// at a time. Write them as `async fn`; nothing in them may block a thread for longer than 10 ms.
/// When the host drops a future, the attempt is cancelled at its current `await`.
pub trait Provider: Sized + Send + Sync + 'static {
    /// The `type` in the configuration, in lower case, such as `mattermost`.
    const TYPE: &'static str;

    /// What the channel type does, in one sentence.
    const SUMMARY: &'static str;

    /// An example definition to copy, as YAML without the channel's name.
    const EXAMPLE: &'static str = "";

    /// Whether the provider reaches its remote by itself, with an
    /// [`OwnRuntime`](crate::OwnRuntime), and not through its host.
    const OWN_RUNTIME: bool = false;

    /// Whether the same notification may be sent twice without harm, because the service or its
    /// readers recognise the second one as a duplicate. An attempt with an unknown outcome is
    /// then always made again, whatever the channel's `on_unknown` says.
    const IDEMPOTENT: bool = false;

    /// The channel's settings. Use [`Secret`](crate::Secret) for tokens and passwords, and refuse
    /// unknown fields with `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned + JsonSchema + Send + 'static;

    /// Returns the problems in the settings for which the service would refuse messages. It does
    /// no input or output. Types and missing fields have been checked before.
    fn validate(config: &Self::Config) -> Vec<Problem> {
        let _ = config;
        Vec::new()
    }

    /// Returns what a channel with these settings can prove of its deliveries; by default, only
    /// that the remote accepts them. It does no input or output. An escalation group that goes on
    /// until somebody acknowledges needs to know this.
    fn proofs(config: &Self::Config) -> Proofs {
        let _ = config;
        Proofs::accepted()
    }

    /// Creates the provider without connecting to anything: only `check` and `deliver` connect.
    fn open(
        config: Self::Config,
        host: Host,
    ) -> impl Future<Output = Result<Self, OpenError>> + Send;

    /// Makes one attempt, and returns the outcome of each target.
    ///
    /// It neither retries nor waits, since the engine does. If [`Delivery::targets`] is not
    /// empty, only those targets are tried.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = Vec<Outcome>> + Send;

    /// Checks the settings against the service without delivering anything.
    fn check(&self) -> impl Future<Output = Check> + Send {
        async { Check::unsupported() }
    }

    /// Closes the provider, with everything that `open` and `deliver` started.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}
