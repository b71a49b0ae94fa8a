//! The messages between a program and its workers. Both are of one build: this is no contract,
//! and may change at any time.

use annunciator_core::{
    code::Proof,
    ffi::{ROption, RString, RVec},
    message::DeliveryV1,
    outcome::{CheckResultV1, DeliveryResultV1, OpenErrorV1, ProblemV1},
    services::{HostErrorV1, HttpRequestV1, HttpResponseV1, LogRecordV1},
};
use serde::{Deserialize, Serialize};

use crate::plugin::{CallError, ChannelType};

/// The version of the protocol. A side that receives another one closes the connection.
pub(super) const SPEAKS: &str = concat!("annunciator ", env!("CARGO_PKG_VERSION"), "/2");

/// From the program.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// Comes first, behind the descriptor of the plugin's image.
    Hello {
        speaks: String,
        /// The plugin's file, for sentences.
        path: String,
        /// Its note.
        note_json: String,
    },
    Call {
        id: u64,
        /// The most detailed level of the log that the program keeps.
        level: u32,
        call: Call,
    },
    /// Nobody waits for the answer any more.
    Cancel { id: u64 },
    /// The answer to [`ToHost::HostCall`].
    HostAnswer { id: u64, answer: HostAnswer },
}

/// A call of the plugin.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Call {
    Describe,
    Judge {
        channel_type: String,
        settings_json: String,
    },
    Open(Opening),
    Deliver(DeliveryV1),
    Check,
    Close,
}

/// What a provider needs to open, besides the host.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(super) channel_type: String,
    pub(super) channel: String,
    pub(super) settings_json: String,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The settings hold secrets.
        f.debug_struct("Opening")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// From a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToHost {
    /// Comes first.
    Ready {
        speaks: String,
    },
    Answer {
        id: u64,
        answer: Answer,
    },
    /// A call that was cancelled has ended.
    Gone {
        id: u64,
    },
    Log(LogRecordV1),
    /// The plugin asks something of its host.
    HostCall {
        id: u64,
        ask: HostCall,
    },
    /// And wants no answer any more.
    Withdraw {
        id: u64,
    },
    /// Comes instead of the first.
    NotReady(NotReady),
}

/// Why a worker did not come to its work, as it says itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum NotReady {
    /// Its program never asked whether it is one.
    Unasked,
    /// It could not prepare itself.
    Unprepared(String),
}

/// The answer to a call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The plugin could not be loaded, in a sentence.
    NotLoaded(String),
    Types(Vec<Described>),
    Judged {
        problems: Vec<ProblemV1>,
        proofs_json: String,
    },
    Opened(Result<(), OpenErrorV1>),
    Delivered(DeliveryResultV1),
    Checked(CheckResultV1),
    Closed,
    Nothing(CallError),
}

/// A channel type. Its schema travels as text: what has no form of its own does
/// not fit this encoding.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Described {
    name: String,
    summary: String,
    schema_json: String,
    example: String,
}

impl From<&ChannelType> for Described {
    fn from(about: &ChannelType) -> Self {
        Self {
            name: about.name.clone(),
            summary: about.summary.clone(),
            schema_json: about.schema.to_string(),
            example: about.example.clone(),
        }
    }
}

impl TryFrom<Described> for ChannelType {
    type Error = serde_json::Error;

    fn try_from(described: Described) -> Result<Self, Self::Error> {
        Ok(Self {
            schema: serde_json::from_str(&described.schema_json)?,
            name: described.name,
            summary: described.summary,
            example: described.example,
        })
    }
}

/// A call of the plugin to its host.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum HostCall {
    Now,
    Sleep(u64),
    Http(HttpRequestV1),
    KvGet(RString),
    KvPut(RString, ROption<RVec<u8>>),
    Prove(RString, Proof),
}

/// The answer to a [`HostCall`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum HostAnswer {
    Now(i64),
    Slept,
    Http(Result<HttpResponseV1, HostErrorV1>),
    KvGot(Result<ROption<RVec<u8>>, HostErrorV1>),
    KvPut(Result<(), HostErrorV1>),
    Proven(Result<(), HostErrorV1>),
}
