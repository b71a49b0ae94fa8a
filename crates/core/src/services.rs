//! Host services: what a plugin may ask of its host, which are the log, time, HTTP, tasks and small
//! state.
//!
//! There is one object for each channel, so that the host knows who asks. Every method may be
//! called from any thread. The futures are polled inside the plugin's own futures and work on any
//! thread.

#![expect(
    non_local_definitions,
    reason = "what `sabi_trait` of abi_stable 0.11 generates"
)]

use abi_stable::{
    StableAbi, sabi_trait,
    std_types::{RBox, ROption, RResult, RString, RVec},
};
use async_ffi::FfiFuture;

use serde::{Deserialize, Serialize};

use crate::code::{HostErrorKind, LogLevel, Proof};

/// An event of the log.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Serialize, Deserialize)]
pub struct LogRecordV1 {
    /// The level.
    pub level: LogLevel,
    /// The origin in the plugin, such as the path of a module.
    pub target: RString,
    /// The text.
    pub message: RString,
    /// The other fields, as a JSON object; empty text for none.
    pub fields_json: RString,
}

/// A header of a request or response.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHeaderV1 {
    /// The name, in any case.
    pub name: RString,
    /// The value. In a response, bytes that are not UTF-8 are replaced.
    pub value: RString,
}

/// An HTTP request that the host makes for the plugin.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Serialize, Deserialize)]
pub struct HttpRequestV1 {
    /// The method: `GET`, `POST` and so on.
    pub method: RString,
    /// An absolute `http` or `https` URL.
    pub url: RString,
    /// The headers, besides those that HTTP itself requires.
    pub headers: RVec<HttpHeaderV1>,
    /// The body; empty for none.
    pub body: RVec<u8>,
    /// The timeout from connecting to the last byte, in milliseconds; 0 for the host's own.
    pub timeout_ms: u64,
    /// The maximum number of bytes of the response body to read; 0 for the host's own limit.
    pub max_response_bytes: u64,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// The path of a PEM file with certificates to trust besides the system's; empty for none.
    pub ca_file: RString,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// An HTTP response, whatever its status.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Serialize, Deserialize)]
pub struct HttpResponseV1 {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: RVec<HttpHeaderV1>,
    /// The body, up to the limit.
    pub body: RVec<u8>,
    /// Whether the body was longer than the limit.
    pub truncated: bool,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// The error when the host could not carry out a request.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostErrorV1 {
    /// The kind of the error.
    pub kind: HostErrorKind,
    /// Whether the remote may have received the request, wholly or in part.
    pub maybe_sent: bool,
    /// What happened, in words, without secrets.
    pub detail: RString,
}

/// The services that a host offers to one channel.
///
/// A method that a later minor version appends has a default body that returns
/// [`HostErrorKind::UNSUPPORTED`]. The default runs on the caller's side if the host is older, and
/// must never pretend to have succeeded.
#[sabi_trait]
pub trait HostServices: Send + Sync {
    /// Returns whether the log would keep a record of this level from this target.
    fn log_enabled(&self, level: LogLevel, target: abi_stable::std_types::RStr<'_>) -> bool;

    /// Writes a record to the host's log, under the name of the channel.
    fn log(&self, record: LogRecordV1);

    /// Returns the time of the host's clock, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Returns a future that completes after this many milliseconds of the host's clock.
    fn sleep(&self, milliseconds: u64) -> FfiFuture<()>;

    /// Makes an HTTP request with the host's connections, TLS, proxy and limits.
    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>>;

    /// Runs a task in the background. The host drops it when the channel closes.
    fn spawn(&self, task: FfiFuture<()>) -> RResult<(), HostErrorV1>;

    /// Reads the value that the channel stored under a key.
    fn kv_get(&self, key: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>>;

    /// Stores a small value under a key, or removes it (`None`).
    fn kv_put(&self, key: RString, value: ROption<RVec<u8>>)
    -> FfiFuture<RResult<(), HostErrorV1>>;

    /// Reports a greater proof of a delivery after its attempt: that it reached the device, or that
    /// a person has acknowledged it. `reference` is that of the delivery, see
    /// [`DeliveryV1`](crate::message::DeliveryV1).
    #[sabi(last_prefix_field)]
    fn prove(
        &self,
        reference: abi_stable::std_types::RStr<'_>,
        proof: Proof,
    ) -> RResult<(), HostErrorV1>;

    /// Reports a greater proof of a delivery, as [`prove`](Self::prove) does, and who gave it:
    /// `details_json` is the JSON of [`ProofDetails`](crate::proofs::ProofDetails), or empty text.
    /// A host records the proof also if it cannot read the details. Appended in 1.1. An older host
    /// does not offer it, and the caller falls back to [`prove`](Self::prove).
    fn prove_by(
        &self,
        _reference: abi_stable::std_types::RStr<'_>,
        _proof: Proof,
        _details_json: abi_stable::std_types::RStr<'_>,
    ) -> RResult<(), HostErrorV1> {
        let detail = "this host records no details of a proof".into();
        RResult::RErr(HostErrorV1 {
            kind: HostErrorKind::UNSUPPORTED,
            maybe_sent: false,
            detail,
        })
    }
}

/// The host's services in the form in which a plugin holds them.
pub type HostBox = HostServices_TO<'static, RBox<()>>;
