//! The conversion of a message into a request.

use annunciator_sdk::HttpRequest;
use minijinja::Value;
use url::Url;

use crate::{
    config::{Config, Method},
    template::{Place, fill},
};

/// The default body: all that is known about the message.
const EVERYTHING: &str = r#"{
  "id": {{ id }}, "incident": {{ incident }}, "host": {{ host }},
  "title": {{ title }}, "body": {{ body }}, "severity": {{ severity }},
  "kind": {{ kind }}, "occurred_at": {{ occurred_at }},
  "attributes": {{ attributes }}, "attempt": {{ attempt }}
}"#;

/// The maximum size of an answer that is read, in bytes.
const MAX_RESPONSE_SIZE: u64 = 64 * 1024;

/// An error of a setting: its field, what is wrong with it, and what helps (empty if unknown).
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) field: String,
    pub(crate) what: String,
    pub(crate) help: &'static str,
}

fn wrong(field: impl Into<String>, what: impl Into<String>, help: &'static str) -> Wrong {
    Wrong {
        field: field.into(),
        what: what.into(),
        help,
    }
}

/// The parts of a request.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
}

impl Parts {
    /// Renders the templates with these values.
    ///
    /// # Errors
    /// Every setting that does not result in a request, each once. The list is not empty.
    pub(crate) fn of(config: &Config, values: &Value) -> Result<Self, Vec<Wrong>> {
        let mut wrongs = Vec::new();
        let url = address("url", config.url.expose(), values);
        let url = url.map_err(|wrong| wrongs.push(wrong)).ok();
        let mut headers = Vec::with_capacity(config.headers.len());
        for (name, template) in &config.headers {
            match header(name, template.expose(), values) {
                Ok(value) => headers.push((name.clone(), value)),
                Err(wrong) => wrongs.push(wrong),
            }
        }
        let has_body = config.method != Method::Get;
        let body = has_body.then(|| body(config, values)).transpose();
        let body = body.map_err(|wrong| wrongs.push(wrong)).ok();
        match (url, body) {
            (Some(url), Some(body)) if wrongs.is_empty() => Ok(Self { url, headers, body }),
            _ => Err(wrongs),
        }
    }

    /// Returns the request, signed for this time.
    pub(crate) fn request(&self, config: &Config, unix_seconds: u64) -> HttpRequest {
        let mut request = HttpRequest::new(config.method.name(), self.url.as_str());
        let body = self.body.as_deref();
        if let Some(body) = body {
            request = request.body(&config.content_type, body);
        }
        let signature = config.sign.iter();
        let signed = signature
            .flat_map(|sign| sign.headers(body.unwrap_or_default().as_bytes(), unix_seconds));
        for (name, value) in self.headers.iter().cloned().chain(signed) {
            request = request.header(&name, value);
        }
        limited(request, config)
    }
}

/// Adds what every request of a channel needs: the limit of the answer's size, and `ca_file`.
pub(crate) fn limited(request: HttpRequest, config: &Config) -> HttpRequest {
    let request = request.max_response(MAX_RESPONSE_SIZE);
    match &config.ca_file {
        Some(path) => request.ca_file(path),
        None => request,
    }
}

/// Renders and parses an address.
///
/// # Errors
/// What is wrong with it. The error does not contain the address, which may contain a secret.
pub(crate) fn address(field: &str, template: &str, values: &Value) -> Result<Url, Wrong> {
    let text =
        fill(template.trim(), Place::Address, values).map_err(|what| wrong(field, what, ""))?;
    let help = "write the complete address, such as https://example.com/hook";
    let url = Url::parse(&text)
        .map_err(|error| wrong(field, format!("is not an address ({error})"), help))?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err(wrong(field, "is not the address of a web server", help));
    }
    Ok(url)
}

fn header(name: &str, template: &str, values: &Value) -> Result<String, Wrong> {
    let value = fill(template, Place::Header, values);
    let value = value.map_err(|what| wrong(format!("headers.{name}"), what, ""))?;
    Ok(value.trim().to_owned())
}

fn body(config: &Config, values: &Value) -> Result<String, Wrong> {
    let template = config.body.as_deref().unwrap_or(EVERYTHING);
    let place = Place::of(&config.content_type);
    let body = fill(template, place, values).map_err(|what| wrong("body", what, ""))?;
    if place == Place::Json
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&body)
    {
        let what = format!("does not produce valid JSON ({error})");
        let help = "a value brings its own quotes: write \"text\": {{ body }}, and {{ (host ~ \": \" ~ body) }} for several";
        return Err(wrong("body", what, help));
    }
    Ok(body)
}
