//! The one trait that an author writes.

use std::future::Future;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    delivery::Delivery,
    finding::{Check, OpenError, Problem},
    host::Host,
    outcome::Outcome,
};

/// A kind of channel: what the `type` in the configuration stands for.
///
/// One value is one channel, open and ready. Its methods are called from any
/// of the host's threads, several at a time. Write the methods as `async fn`;
/// nothing in them may block a thread for longer than 10 ms. When the host
/// drops a future, the attempt is cancelled at the `await` where it stands.
pub trait Provider: Sized + Send + Sync + 'static {
    /// The `type` in the configuration: lower case, such as `mattermost`.
    const TYPE: &'static str;

    /// What the channel is, in one sentence.
    const SUMMARY: &'static str;

    /// A definition to copy, as YAML without the channel's name.
    const EXAMPLE: &'static str = "";

    /// Whether it reaches its remote by itself, with an
    /// [`OwnRuntime`](crate::OwnRuntime), and not through its host.
    const OWN_RUNTIME: bool = false;

    /// The channel's settings. Tokens and passwords are
    /// [`Secret`](crate::Secret)s; refuse what you do not know with
    /// `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned + JsonSchema + Send + 'static;

    /// Says what in the settings the service would refuse, without any input
    /// or output. Types and missing fields are checked before.
    fn validate(config: &Self::Config) -> Vec<Problem> {
        let _ = config;
        Vec::new()
    }

    /// Makes a provider. Connects to nothing: that is for `check` and `deliver`.
    fn open(
        config: Self::Config,
        host: Host,
    ) -> impl Future<Output = Result<Self, OpenError>> + Send;

    /// Makes one attempt, and says for each target what came of it.
    ///
    /// No repeating and no waiting: that is the engine's. When
    /// [`Delivery::targets`] is not empty, only those are tried.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = Vec<Outcome>> + Send;

    /// Proves the settings against the service without delivering anything.
    fn check(&self) -> impl Future<Output = Check> + Send {
        async { Check::unsupported() }
    }

    /// Ends what `open` and `deliver` started.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}
