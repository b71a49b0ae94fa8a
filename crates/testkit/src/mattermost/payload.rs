//! The body of a webhook call, in any of the forms that the server reads.

use serde::Deserialize;
use serde_json::Value;

use crate::http::Request;

/// The members of a webhook's payload. Unknown ones are ignored, as by the server; `root_id` is
/// among them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    pub(super) text: String,
    pub(super) username: String,
    pub(super) icon_url: String,
    pub(super) icon_emoji: String,
    pub(super) channel: String,
    pub(super) props: Option<Value>,
    pub(super) attachments: Option<Vec<Value>>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) priority: Option<Value>,
}

impl Payload {
    /// Reads the body; `None` if the server would not understand it.
    pub(super) async fn read(request: &Request) -> Option<Self> {
        match request.media_type().as_str() {
            "application/x-www-form-urlencoded" => {
                let fields = request.url_encoded();
                let payload = fields.into_iter().find(|(name, _)| name == "payload")?;
                parse(&payload.1)
            }
            "multipart/form-data" => {
                let parts = request.multipart().await.ok()?;
                let (_, _, bytes) = parts.into_iter().find(|(name, _, _)| name == "payload")?;
                parse(&String::from_utf8_lossy(&bytes))
            }
            // The server reads everything else as JSON, also a missing type.
            _ => parse(&request.text()),
        }
    }
}

/// Parses strictly first; then with raw line ends and tabs inside strings escaped, as the server
/// does at its second try.
fn parse(text: &str) -> Option<Payload> {
    serde_json::from_str(text)
        .or_else(|_| {
            let escaped = text.replace('\n', "\\n").replace('\t', "\\t");
            serde_json::from_str(&escaped)
        })
        .ok()
}
