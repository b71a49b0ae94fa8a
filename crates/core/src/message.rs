//! Messages from the host to a provider: a notification, and one request to deliver it.
//!
//! These structs cross the boundary by value, so their layout is frozen for the life of the major
//! version. New data goes into `attributes` or `extension_json`.

use abi_stable::{
    StableAbi,
    std_types::{RArc, RString, RVec},
};

use serde::{Deserialize, Serialize};

use crate::code::{Kind, Severity};

/// The name of the attribute by which a message of an incident says who has taken over: a host sends
/// such a message, of kind [`Kind::MESSAGE`], once somebody has acknowledged the problem, so that a
/// provider can end what it does about it. Since 1.1.
pub const ACKNOWLEDGED_BY: &str = "acknowledged_by";

/// A detail of a notification, by name.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeV1 {
    /// The name, such as `metric_path`.
    pub key: RString,
    /// The value, as a person would read it.
    pub value: RString,
}

/// A notification. Text is UTF-8 and may contain any character.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationV1 {
    /// The unique identifier, which is the same in every attempt and on every channel.
    pub id: RString,
    /// The incident: what a problem, its reminders and its recovery have in common; may be empty.
    pub incident: RString,
    /// The host that the notification is about; may be empty.
    pub host: RString,
    /// The title, one line; if empty, the provider uses its own.
    pub title: RString,
    /// The text. Never empty.
    pub body: RString,
    /// The severity.
    pub severity: Severity,
    /// The kind: a message, a problem, a recovery or a test.
    pub kind: Kind,
    /// The time of the event, in milliseconds since the Unix epoch.
    pub occurred_at_ms: i64,
    /// Further details, by name.
    pub attributes: RVec<AttributeV1>,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// A request to deliver a notification: one attempt.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryV1 {
    /// The notification, shared between the channels.
    #[serde(with = "shared")]
    pub notification: RArc<NotificationV1>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// How long the host waits for the result, in milliseconds.
    pub timeout_ms: u64,
    /// The targets that still need the notification, by the names in earlier outcomes; empty for
    /// all.
    pub targets: RVec<RString>,
    /// The host's name for the delivery, with which a greater proof can be reported later; empty if
    /// the host does not need one.
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
