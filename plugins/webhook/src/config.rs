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
    /// The address, as a template: `https://example.com/{{ host }}`. What is put in
    /// is escaped.
    pub url: Secret<String>,
    /// The method of the request. Default: POST.
    #[serde(default)]
    pub method: Method,
    /// Headers by their names; the values are templates.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret<String>>,
    /// The type of the body, which decides how what is put in is escaped.
    /// Default: application/json.
    #[serde(default = "json")]
    pub content_type: String,
    /// The body, as a template. Default: all that is known of the message, as
    /// JSON.
    pub body: Option<String>,
    /// Values for the templates by name, as `secrets.name`: tokens and keys.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret<String>>,
    /// Signs the body.
    pub sign: Option<Signature>,
    /// What statuses mean where it is not what HTTP says, such as {409: delivered}
    /// or {5xx: permanent}.
    #[serde(default)]
    pub statuses: BTreeMap<String, Meaning>,
    /// What an answer means, by expressions over `answer.status`, `answer.body`
    /// and `answer.json`.
    #[serde(default)]
    pub answer: Answer,
    /// An address that `hbd test` asks with GET, with the same headers; nothing
    /// may be delivered by that.
    pub check_url: Option<Secret<String>>,
    /// File of PEM certificates to trust besides the system's.
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub ca_file: Option<String>,
}

/// What names of headers have in them that hold a token.
const OF_TOKENS: [&str; 5] = ["auth", "token", "key", "secret", "cookie"];

impl Config {
    /// Whether there is a token, as far as anybody can tell.
    pub(crate) fn has_token(&self) -> bool {
        let is_token = |name: &String| {
            let name = name.to_ascii_lowercase();
            OF_TOKENS.iter().any(|word| name.contains(word))
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
    /// GET: without a body.
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

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The service took it.
    Delivered,
    /// It is tried again.
    Retry,
    /// It is not tried again.
    Permanent,
    /// Nobody knows whether it was taken.
    Unknown,
}

/// What an answer says, by expressions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// Whether it was taken, of an answer that says so by its status:
    /// answer.json.ok
    pub success: Option<String>,
    /// Whether it is to be tried again, of one that was not taken:
    /// answer.json.error == "ratelimited"
    pub retry: Option<String>,
    /// How long to wait until then, in seconds: answer.json.retry_after
    pub wait: Option<String>,
    /// What the service says of it, for people: answer.json.description
    pub detail: Option<String>,
    /// The service's own name for the message: answer.json.id
    pub id: Option<String>,
}

/// How the body is signed: a keyed hash, as many services check it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The shared key.
    pub key: Secret<String>,
    /// The header that holds the signature, such as X-Hub-Signature-256.
    pub header: String,
    /// What stands before it in the header, such as "sha256=".
    #[serde(default)]
    pub prefix: String,
    /// Which hash. Default: sha256.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How it is written. Default: hex.
    #[serde(default)]
    pub encoding: Encoding,
    /// A header for the time in Unix seconds, which is then signed too: as the
    /// time, a dot, and the body.
    pub timestamp_header: Option<String>,
}

/// A hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// HMAC-SHA-256.
    #[default]
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits.
    #[default]
    Hex,
    /// Base64.
    Base64,
}
