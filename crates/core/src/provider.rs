//! Providers: what a plugin creates for its host, one for each channel.
//!
//! The host calls the methods from any of its threads, and several at the same time. It polls the
//! futures inside a guard against panics. Dropping a future cancels it.

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

/// A provider: one open channel.
///
/// A method that a later minor version appends has a default body, which says what it means that
/// an older plugin does not have the method.
#[sabi_trait]
pub trait ProviderObject: Send + Sync {
    /// Makes one attempt, and returns an outcome for each target.
    fn deliver(&self, delivery: DeliveryV1) -> FfiFuture<DeliveryResultV1>;

    /// Checks the settings against the remote, without delivering anything.
    fn check(&self) -> FfiFuture<CheckResultV1>;

    /// Ends what the provider started. No method is called afterwards.
    #[sabi(last_prefix_field)]
    fn close(&self) -> FfiFuture<()>;
}

/// A provider in the form in which the host holds it.
pub type ProviderBox = ProviderObject_TO<'static, RBox<()>>;
