//! Deliveries and attempts, as the API and the event stream answer them.

use annunciator::store::{Attempt, MessageText, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value as JsonValue;
use utoipa::ToSchema;

/// A delivery. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryJson {
    /// The record.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub record: Record,
    /// The title of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text of the message; none if no engine has written it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The attempts, the earliest first; only for a single delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<Vec<AttemptJson>>,
}

/// An attempt. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptJson {
    /// When it began.
    pub began_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// The outcome of each target.
    pub outcome: JsonValue,
}

impl From<Attempt> for AttemptJson {
    fn from(attempt: Attempt) -> Self {
        Self {
            began_ms: attempt.began_ms,
            ended_ms: attempt.ended_ms,
            outcome: serde_json::from_str(&attempt.outcome).unwrap_or_default(),
        }
    }
}

impl From<Record> for DeliveryJson {
    fn from(record: Record) -> Self {
        let text = MessageText::of(&record.content);
        let (title, body) = text.map(|text| (text.title, text.body)).unzip();
        Self {
            record,
            title: title.filter(|title| !title.is_empty()),
            body,
            tried: None,
        }
    }
}
