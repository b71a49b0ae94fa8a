//! The settings of a webhook channel.

use std::collections::BTreeMap;

use annunciator_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

fn json() -> String {
    "application/json".to_owned()
}

/// The settings of a webhook channel. `url`, `headers` and `body` are templates.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address of the request, a template such as `https://example.com/{{ host }}`. Inserted
    /// values are escaped.
    pub url: Secret<String>,
    /// The method of the request. Default: POST.
    #[serde(default)]
    pub method: Method,
    /// The headers of the request, by their names. The values are templates. Default: none.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret<String>>,
    /// The content type of the body, which decides how inserted values are escaped. Default:
    /// application/json.
    #[serde(default = "json")]
    pub content_type: String,
    /// The body of the request, a template. Default: all that is known about the message, as JSON.
    pub body: Option<String>,
    /// Values such as tokens and keys, by name, which the templates use as `secrets.name`. Default:
    /// none.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret<String>>,
    /// The signature of the body. Default: none, so that the body is not signed.
    pub sign: Option<Signature>,
    /// The meanings of statuses that differ from those of HTTP, such as {409: delivered} or
    /// {5xx: permanent}. Default: none.
    #[serde(default)]
    pub statuses: BTreeMap<String, Meaning>,
    /// The meaning of an answer, by expressions over `answer.status`, `answer.body` and
    /// `answer.json`. Default: none, so that the status decides.
    #[serde(default)]
    pub answer: Answer,
    /// The address that `hbd test` requests with GET and the same headers, a template. The request
    /// must not deliver anything. Default: none; `hbd test` then sends OPTIONS to url.
    pub check_url: Option<Secret<String>>,
    /// The path of a PEM file with certificates to trust besides the system's. Default: none.
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub ca_file: Option<String>,
}

/// The words in the names of headers that contain a token.
const TOKEN_WORDS: [&str; 5] = ["auth", "token", "key", "secret", "cookie"];

impl Config {
    /// Returns whether the settings probably contain a token: a secret, or a header whose name
    /// looks like that of one.
    pub(crate) fn has_token(&self) -> bool {
        let is_token = |name: &String| {
            let name = name.to_ascii_lowercase();
            TOKEN_WORDS.iter().any(|word| name.contains(word))
        };
        !self.secrets.is_empty() || self.headers.keys().any(is_token)
    }
}

/// The method of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// GET, without a body.
    Get,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Get => "GET",
        }
    }
}

/// The meaning of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The service accepted the message.
    Delivered,
    /// The message is retried.
    Retry,
    /// The message is not retried.
    Permanent,
    /// It is unknown whether the service accepted the message.
    Unknown,
}

/// The expressions that evaluate an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// Whether the message was accepted, for an answer whose status says so, such as
    /// answer.json.ok. Default: the status decides.
    pub success: Option<String>,
    /// Whether the message is retried, if it was not accepted, such as
    /// answer.json.error == "ratelimited". Default: by the status.
    pub retry: Option<String>,
    /// How long to wait before the retry, in seconds, such as answer.json.retry_after. Default: the
    /// header Retry-After.
    pub wait: Option<String>,
    /// What the service says about the message, for people, such as answer.json.description.
    /// Default: none.
    pub detail: Option<String>,
    /// The service's ID of the message, such as answer.json.id. Default: none.
    pub id: Option<String>,
}

/// The signature of the body: a keyed hash, as many services verify it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The shared key.
    pub key: Secret<String>,
    /// The name of the header that contains the signature, such as X-Hub-Signature-256.
    pub header: String,
    /// The text before the signature in the header, such as "sha256=". Default: none.
    #[serde(default)]
    pub prefix: String,
    /// The hash function. Default: sha256.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The encoding of the signature. Default: hex.
    #[serde(default)]
    pub encoding: Encoding,
    /// The name of a header for the time in Unix seconds, which is then signed too: the signed text
    /// is the time, a dot, and the body. Default: none.
    pub timestamp_header: Option<String>,
}

/// A hash function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// HMAC-SHA-256.
    #[default]
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// An encoding of bytes as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits.
    #[default]
    Hex,
    /// Base64.
    Base64,
}
