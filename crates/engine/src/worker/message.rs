//! The messages between a program and its workers. Both are of the same build, so this protocol is
//! not a contract and may change at any time.

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
pub(super) const SPEAKS: &str = concat!("annunciator ", env!("CARGO_PKG_VERSION"), "/3");

/// A message from the program.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// The first message, after the descriptor of the plugin's image.
    Hello {
        speaks: String,
        /// The path of the plugin's file, for error messages.
        path: String,
        /// The plugin's note.
        note_json: String,
    },
    Call {
        id: u64,
        /// The most detailed log level that the program records.
        level: u32,
        call: Call,
    },
    /// Cancels a call: no caller waits for its answer any more.
    Cancel { id: u64 },
    /// The answer to [`ToHost::HostCall`].
    HostAnswer { id: u64, answer: HostAnswer },
}

/// A call of the plugin by the program.
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

/// The parameters with which a provider opens, besides the host.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(super) channel_type: String,
    pub(super) channel: String,
    pub(super) settings_json: String,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The settings contain secrets.
        f.debug_struct("Opening")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// A message from a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToHost {
    /// The first message.
    Ready {
        speaks: String,
    },
    Answer {
        id: u64,
        answer: Answer,
    },
    /// Reports that a cancelled call has ended.
    Gone {
        id: u64,
    },
    Log(LogRecordV1),
    /// A call of the plugin to its host.
    HostCall {
        id: u64,
        ask: HostCall,
    },
    /// Withdraws a call: its answer is not needed any more.
    Withdraw {
        id: u64,
    },
    /// Replaces the first message.
    NotReady(NotReady),
}

/// The reason why a worker did not start, as it reports itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum NotReady {
    /// The worker's program never asked whether it is a worker.
    Unasked,
    /// The worker could not be prepared.
    Unprepared(String),
}

/// The answer to a call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The plugin could not be loaded. The value is a sentence.
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

/// A channel type. Its schema is sent as text, because this encoding only supports values of a
/// fixed type.
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
    /// A proof with the JSON of its details.
    ProveBy(RString, Proof, RString),
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
