//! The parameters of a call, from any of the bodies that the service reads: URL-encoded,
//! multipart, JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::http::Request;

/// The image of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The media type, as the client gives it.
    pub media_type: String,
    /// The image's bytes.
    pub bytes: Vec<u8>,
}

/// The parameters of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) fields: BTreeMap<String, String>,
    pub(super) attachments: Vec<Attachment>,
}

impl Form {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Returns a parameter that is a whole number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }

    /// Returns whether a switch such as `html` is on.
    pub(super) fn on(&self, name: &str) -> bool {
        self.field(name) == Some("1")
    }

    /// Reads the body. An unreadable body has no parameters, as for the service, which then
    /// reports a missing token.
    pub(super) async fn read(request: &Request) -> Self {
        match request.media_type().as_str() {
            "application/x-www-form-urlencoded" => Self {
                fields: request.url_encoded().into_iter().collect(),
                attachments: Vec::new(),
            },
            "application/json" => Self {
                fields: request.json().map(members).unwrap_or_default(),
                attachments: Vec::new(),
            },
            "multipart/form-data" => Self::read_multipart(request).await,
            _ => Self::default(),
        }
    }

    async fn read_multipart(request: &Request) -> Self {
        let mut form = Self::default();
        for (name, media_type, bytes) in request.multipart().await.unwrap_or_default() {
            if name == "attachment" {
                form.attachments.push(Attachment {
                    media_type: media_type.unwrap_or_default(),
                    bytes: bytes.to_vec(),
                });
            } else {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                form.fields.insert(name, text);
            }
        }
        form
    }
}

fn members(document: Value) -> BTreeMap<String, String> {
    let Value::Object(members) = document else {
        return BTreeMap::new();
    };
    members
        .into_iter()
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            Value::Number(number) => Some((name, number.to_string())),
            Value::Bool(on) => Some((name, u8::from(on).to_string())),
            _ => None,
        })
        .collect()
}
