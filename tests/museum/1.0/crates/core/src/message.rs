//! What travels from the host to a provider: a notification and one request
//! to deliver it.
//!
//! These structs cross by value, so their layout is frozen for the life of
//! the major version. New data goes to `attributes` or `extension_json`.

use abi_stable::{
    StableAbi,
    std_types::{RArc, RString, RVec},
};

use serde::{Deserialize, Serialize};

use crate::code::{Kind, Severity};

/// A piece of information about a notification, by name.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeV1 {
    /// The name, such as `metric_path`.
    pub key: RString,
    /// The value, as a person would read it.
    pub value: RString,
}

/// What people shall learn. Text is UTF-8 and may hold any character.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationV1 {
    /// Unique, and the same over every attempt and every channel.
    pub id: RString,
    /// What belongs together (a problem, its reminders, its recovery); may be empty.
    pub incident: RString,
    /// The host that it is about; may be empty.
    pub host: RString,
    /// One line; may be empty, then the provider uses its own.
    pub title: RString,
    /// The message. Never empty.
    pub body: RString,
    /// How bad it is.
    pub severity: Severity,
    /// Where in the life of the incident it stands.
    pub kind: Kind,
    /// When it happened, in milliseconds since the Unix epoch.
    pub occurred_at_ms: i64,
    /// More about it, by name.
    pub attributes: RVec<AttributeV1>,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// One request to deliver, which is one attempt.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryV1 {
    /// What to deliver, shared between the channels.
    #[serde(with = "shared")]
    pub notification: RArc<NotificationV1>,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// How long the host waits for the answer, in milliseconds.
    pub timeout_ms: u64,
    /// The targets that still need it, by the names of earlier outcomes; empty for all.
    pub targets: RVec<RString>,
    /// The host's own name for the delivery, by which more can be proven of it
    /// later; empty where the host wants to know no more.
    pub reference: RString,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// What is shared within a process is copied between processes.
mod shared {
    use abi_stable::std_types::RArc;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        shared: &RArc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        T::serialize(shared, serializer)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RArc<T>, D::Error> {
        T::deserialize(deserializer).map(RArc::new)
    }
}
