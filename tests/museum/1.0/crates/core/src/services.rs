//! What a plugin may ask of its host: log, time, HTTP, tasks, small state.
//!
//! One object per channel, so that the host knows who asks. Every method may
//! be called from any thread. The futures are polled inside the plugin's own
//! futures and work on whatever thread that is.

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

/// One event of the log, flat.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Serialize, Deserialize)]
pub struct LogRecordV1 {
    /// How important it is.
    pub level: LogLevel,
    /// Where in the plugin it comes from, such as a module's path.
    pub target: RString,
    /// The text.
    pub message: RString,
    /// The other fields as a JSON object; empty text for none.
    pub fields_json: RString,
}

/// One header of a request or an answer.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHeaderV1 {
    /// The name; case does not matter.
    pub name: RString,
    /// The value. Bytes of an answer that are not UTF-8 are replaced.
    pub value: RString,
}

/// A request that the host makes in the plugin's name.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Serialize, Deserialize)]
pub struct HttpRequestV1 {
    /// `GET`, `POST` and so on.
    pub method: RString,
    /// An absolute `http` or `https` address.
    pub url: RString,
    /// Headers besides those that HTTP itself needs.
    pub headers: RVec<HttpHeaderV1>,
    /// The body; empty for none.
    pub body: RVec<u8>,
    /// Time limit from connecting to the last byte, in milliseconds; 0 for the host's own.
    pub timeout_ms: u64,
    /// How many bytes of the answer's body to read at most; 0 for the host's own limit.
    pub max_response_bytes: u64,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Path of a PEM file of certificates to trust besides the system's; empty for none.
    pub ca_file: RString,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// The remote's answer, whatever its status.
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

/// Why the host could not do it.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostErrorV1 {
    /// The kind of failure.
    pub kind: HostErrorKind,
    /// Whether the remote may have received the request, wholly or in part.
    pub maybe_sent: bool,
    /// What happened, in words, without secrets.
    pub detail: RString,
}

/// What a host offers to one channel.
///
/// A method that is appended in a later minor has a default body that answers
/// [`HostErrorKind::UNSUPPORTED`]: the default runs on the caller's side when
/// the host is older, and must never pretend.
#[sabi_trait]
pub trait HostServices: Send + Sync {
    /// Whether a record of this level from this target would be kept.
    fn log_enabled(&self, level: LogLevel, target: abi_stable::std_types::RStr<'_>) -> bool;

    /// Writes to the host's log, under the channel's name.
    fn log(&self, record: LogRecordV1);

    /// The time in milliseconds since the Unix epoch, by the host's clock.
    fn now_ms(&self) -> i64;

    /// Ends after that many milliseconds by the host's clock.
    fn sleep(&self, milliseconds: u64) -> FfiFuture<()>;

    /// Makes one HTTP request with the host's connections, TLS, proxy and limits.
    fn http(&self, request: HttpRequestV1) -> FfiFuture<RResult<HttpResponseV1, HostErrorV1>>;

    /// Runs a task beside the deliveries; it is dropped when the channel closes.
    fn spawn(&self, task: FfiFuture<()>) -> RResult<(), HostErrorV1>;

    /// Reads what the channel stored under a key.
    fn kv_get(&self, key: RString) -> FfiFuture<RResult<ROption<RVec<u8>>, HostErrorV1>>;

    /// Stores a small value under a key (`None` removes it).
    fn kv_put(&self, key: RString, value: ROption<RVec<u8>>)
    -> FfiFuture<RResult<(), HostErrorV1>>;

    /// Says that more was proven of a delivery after its attempt: that it
    /// reached the device, or that a person has acknowledged it. `reference` is
    /// that of the delivery, see [`DeliveryV1`](crate::message::DeliveryV1).
    #[sabi(last_prefix_field)]
    fn prove(
        &self,
        reference: abi_stable::std_types::RStr<'_>,
        proof: Proof,
    ) -> RResult<(), HostErrorV1>;
}

/// The host as a plugin holds it.
pub type HostBox = HostServices_TO<'static, RBox<()>>;
