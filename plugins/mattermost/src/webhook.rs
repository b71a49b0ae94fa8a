//! An incoming webhook that posts:
//! <https://developers.mattermost.com/integrate/webhooks/incoming/>.

use annunciator_sdk::{Check, Fault, Host, HostError, HttpRequest, HttpResponse, Outcome, Secret};
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::config::Config;
use crate::message::Message;
use crate::outcome::{self, Refusal};

/// The maximum size of an answer that is read, in bytes.
const MAX_RESPONSE_SIZE: u64 = 64 * 1024;

/// A webhook that is ready to be called.
pub(crate) struct Webhook {
    /// The webhook's address. It contains the token, so it is never printed.
    url: Secret<String>,
    token: Secret<String>,
    host: Host,
}

impl Webhook {
    pub(crate) fn new(address: &Address, token: &Secret<String>, host: Host) -> Self {
        Self {
            url: Secret::new(address.join(&["hooks", token.expose().trim()])),
            token: token.clone(),
            host,
        }
    }

    pub(crate) async fn post(&self, message: &Message, config: &Config) -> Outcome {
        let target = config.channel.as_str();
        let outcome = match self.call(&payload(message, config), config).await {
            Err(error) => error.redacted_outcome(target, &self.secrets(config)),
            Ok(response) => outcome::of_webhook(
                target,
                &response,
                message.parts.len(),
                self.host.now(),
                &self.secrets(config),
            ),
        };
        outcome.notes(message.notes.iter().cloned())
    }

    /// Posts to a channel that surely does not exist. The server looks up the webhook first and the
    /// channel then, so the answer that there is no such channel shows that the webhook exists, and
    /// nothing is delivered.
    pub(crate) async fn check(&self, config: &Config) -> Check {
        let absent = format!("annunciator-check-{:x}", self.host.now_ms());
        let probe = json!({"text": "check", "channel": absent});
        let response = match self.call(&probe, config).await {
            Ok(response) => response,
            Err(error) => {
                let outcome = error.redacted_outcome(&config.channel, &self.secrets(config));
                return failed(&outcome);
            }
        };
        if response.status() == 404 && Refusal::read(&response).is_some() {
            return Check::ok(format!(
                "the webhook exists; only the first message will show whether it may post to {}",
                config.channel
            ));
        }
        let outcome = outcome::of_webhook(
            &config.channel,
            &response,
            1,
            self.host.now(),
            &self.secrets(config),
        );
        if outcome.class() == annunciator_sdk::Class::Delivered {
            return Check::failed(
                Fault::Remote,
                format!("the server has a channel {absent}, and posted the check to it"),
            );
        }
        failed(&outcome)
    }

    /// Returns all secrets, which no text may show: the token as it is and as it is encoded in the
    /// address, and the logins in addresses.
    fn secrets(&self, config: &Config) -> Vec<String> {
        let encoded = self.url.expose().rsplit('/').next().unwrap_or_default();
        let token = [self.token.expose().trim(), encoded];
        token
            .map(str::to_owned)
            .into_iter()
            .chain(config.logins())
            .collect()
    }

    async fn call(&self, payload: &Value, config: &Config) -> Result<HttpResponse, HostError> {
        let request = HttpRequest::post(self.url.expose().as_str())
            .json(payload)
            .max_response(MAX_RESPONSE_SIZE);
        self.host.http(trusting(request, config)).await
    }
}

/// Adds the certificates of `ca_file` to a request.
fn trusting(request: HttpRequest, config: &Config) -> HttpRequest {
    match &config.ca_file {
        Some(path) => request.ca_file(path),
        None => request,
    }
}

/// Converts the outcome of a failed call into the result of a check.
pub(crate) fn failed(outcome: &Outcome) -> Check {
    let raw = outcome.raw();
    let fault = outcome.fault().unwrap_or(Fault::Remote);
    let detail = match raw.code.as_str() {
        "" => raw.detail.to_string(),
        code => format!("{} ({code})", raw.detail),
    };
    Check::failed(fault, detail).hint(raw.hint.as_str())
}

fn payload(message: &Message, config: &Config) -> Value {
    let mut payload = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            payload.insert(name.to_owned(), value);
        }
    };
    let last = message.parts.len() - 1;
    let mut props = message.props(last);
    put("channel", Some(json!(config.channel)));
    put(
        "text",
        Some(message.text())
            .filter(|text| !text.is_empty())
            .map(Value::from),
    );
    put("username", config.username.as_deref().map(Value::from));
    put("icon_url", config.icon.as_deref().map(Value::from));
    put("icon_emoji", config.icon_emoji.as_deref().map(Value::from));
    put("type", config.post_type.as_deref().map(Value::from));
    put("priority", message.priority.clone());
    put("attachments", props.remove("attachments"));
    put("props", (!props.is_empty()).then_some(Value::Object(props)));
    Value::Object(payload)
}
