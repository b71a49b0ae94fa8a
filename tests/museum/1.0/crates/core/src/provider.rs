//! What a plugin gives its host: a running provider for one channel.
//!
//! The host calls the methods from any of its threads, several at a time, and
//! polls the futures inside a guard against panics. Dropping a future cancels.

#![expect(
    non_local_definitions,
    reason = "what `sabi_trait` of abi_stable 0.11 generates"
)]

use abi_stable::{sabi_trait, std_types::RBox};
use async_ffi::FfiFuture;

use crate::{
    message::DeliveryV1,
    outcome::{CheckResultV1, DeliveryResultV1},
};

/// One channel, open and ready.
///
/// A method that is appended in a later minor has a default body that says
/// what an older plugin means by not having it.
#[sabi_trait]
pub trait ProviderObject: Send + Sync {
    /// Makes one attempt and says what came of it, target by target.
    fn deliver(&self, delivery: DeliveryV1) -> FfiFuture<DeliveryResultV1>;

    /// Proves the settings against the remote without delivering anything.
    fn check(&self) -> FfiFuture<CheckResultV1>;

    /// Ends what the provider started. Nothing is called on it afterwards.
    #[sabi(last_prefix_field)]
    fn close(&self) -> FfiFuture<()>;
}

/// A provider as its host holds it.
pub type ProviderBox = ProviderObject_TO<'static, RBox<()>>;
