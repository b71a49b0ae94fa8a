//! A bot that posts by the REST API v4: <https://developers.mattermost.com/api-documentation/>.
//!
//! It looks up the channel once, posts a message part by part, and returns the outcome. `threads`
//! stores the thread of each incident.

use std::sync::{Mutex, MutexGuard, PoisonError};

use annunciator_sdk::{
    Check, Class, Fault, Host, HostError, HttpRequest, HttpResponse, Kind, Notification, Outcome,
    Secret, redacted,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::address::Address;
use crate::config::Config;
use crate::message::Message;
use crate::outcome::{self, Refusal};
use crate::threads::Threads;
use crate::webhook::{failed, trusting};

/// The maximum size of an answer that is read, in bytes. The server returns a post as a whole.
const MAX_RESPONSE_SIZE: u64 = 1024 * 1024;

/// A bot that is ready to post.
pub(crate) struct Bot {
    address: Address,
    token: Secret<String>,
    team: String,
    host: Host,
    channel_id: Mutex<Option<String>>,
    threads: Threads,
}

#[derive(Debug, Deserialize)]
struct WithId {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Me {
    username: String,
}

impl Bot {
    pub(crate) fn new(address: Address, token: &Secret<String>, team: &str, host: Host) -> Self {
        Self {
            address,
            token: token.clone(),
            team: team.to_owned(),
            threads: Threads::new(host.clone()),
            host,
            channel_id: Mutex::new(None),
        }
    }

    pub(crate) async fn post(
        &self,
        notification: &Notification,
        message: &Message,
        config: &Config,
    ) -> Outcome {
        let channel_id = match self.channel_id(config).await {
            Ok(id) => id,
            Err(outcome) => return *outcome,
        };
        let incident = notification.incident().filter(|_| config.thread);
        let Some(incident) = incident else {
            let (outcome, _) = self.post_parts(message, config, &channel_id, None).await;
            return outcome;
        };
        let _one = self.threads.enter(incident).await;
        let root = self.threads.root(incident, &channel_id).await;
        let (outcome, first) = self
            .post_parts(message, config, &channel_id, root.clone())
            .await;
        match first {
            Some(_) if notification.kind() == Kind::Recovery => {
                self.threads.end(incident).await;
            }
            Some(root_id) if root.as_ref() != Some(&root_id) => {
                self.threads.begin(incident, channel_id, root_id).await;
            }
            _ => {}
        }
        outcome
    }

    /// Posts a message part by part. Returns the outcome, and the root of the thread if at least
    /// the first part was posted.
    async fn post_parts(
        &self,
        message: &Message,
        config: &Config,
        channel_id: &str,
        root: Option<String>,
    ) -> (Outcome, Option<String>) {
        let target = config.channel.as_str();
        let threaded = config.thread;
        let mut root = root;
        let mut first: Option<String> = None;
        for (number, text) in message.parts.iter().enumerate() {
            let draft = |root: &Option<String>| {
                let mut draft = json!({
                    "channel_id": channel_id,
                    "message": text,
                    "root_id": root.as_deref().unwrap_or_default(),
                    "props": message.props(number),
                });
                // The server accepts a priority only for the root of a thread.
                if let (None, Some(priority)) = (root, &message.priority) {
                    draft["metadata"] = json!({"priority": priority});
                }
                draft
            };
            let mut answered = self.create(&draft(&root), config).await;
            if let Ok(response) = &answered
                && root.is_some()
                && first.is_none()
                && root_is_gone(response)
            {
                // Somebody deleted the thread, so nothing was posted. The post begins a new one.
                root = None;
                answered = self.create(&draft(&root), config).await;
            }
            let id = match self.created(config, answered) {
                Ok(id) => id,
                Err(outcome) => match first {
                    None => return (outcome.notes(message.notes.iter().cloned()), None),
                    Some(first) => {
                        let outcome = partly_posted(target, &first, number, message, &outcome);
                        return (outcome, root);
                    }
                },
            };
            if threaded && root.is_none() {
                root = Some(id.clone());
            }
            first.get_or_insert(id);
        }
        let outcome = Outcome::delivered(target)
            .id(first.unwrap_or_default())
            .notes(message.notes.iter().cloned());
        (outcome, root)
    }

    async fn create(&self, draft: &Value, config: &Config) -> Result<HttpResponse, HostError> {
        let url = self.address.join(&["api", "v4", "posts"]);
        self.call(HttpRequest::post(url).json(draft), config).await
    }

    fn created(
        &self,
        config: &Config,
        answered: Result<HttpResponse, HostError>,
    ) -> Result<String, Box<Outcome>> {
        let target = config.channel.as_str();
        let response = answered
            .map_err(|error| Box::new(error.redacted_outcome(target, &self.secrets(config))))?;
        match (response.status(), response.json::<WithId>()) {
            (201, Ok(post)) => Ok(post.id),
            (status, _) => {
                if matches!(status, 403 | 404) {
                    // The channel may have been created again under the same name.
                    *self.known_channel() = None;
                }
                let now = self.host.now();
                let outcome = outcome::of_rest(target, &response, now, &self.secrets(config));
                Err(Box::new(outcome))
            }
        }
    }

    /// Returns the ID of the channel. The server is asked for it once.
    ///
    /// # Errors
    /// The outcome of the lookup, if it failed.
    async fn channel_id(&self, config: &Config) -> Result<String, Box<Outcome>> {
        let known = self.known_channel().clone();
        if let Some(id) = known {
            return Ok(id);
        }
        let name = config.channel.trim_start_matches('#');
        let path = [
            "api", "v4", "teams", "name", &self.team, "channels", "name", name,
        ];
        let request = HttpRequest::get(self.address.join(&path));
        let channel: WithId = self.fetch(request, config, false).await?;
        *self.known_channel() = Some(channel.id.clone());
        Ok(channel.id)
    }

    fn known_channel(&self) -> MutexGuard<'_, Option<String>> {
        self.channel_id
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn check(&self, config: &Config) -> Check {
        let url = self.address.join(&["api", "v4", "users", "me"]);
        let me: Me = match self.fetch(HttpRequest::get(url), config, true).await {
            Ok(me) => me,
            Err(outcome) => return failed(&outcome),
        };
        *self.known_channel() = None;
        if let Err(outcome) = self.channel_id(config).await {
            return failed(&outcome);
        }
        let (bot, channel, team) = (me.username, &config.channel, &self.team);
        Check::ok(format!(
            "the bot {bot} sees the channel {channel} of {team}"
        ))
    }

    /// Makes a call that only reads, and so delivers nothing: a lost answer is a retry, and not an
    /// unknown delivery. `of_account` adapts the hint of a 404 to a lookup of the bot's account.
    ///
    /// # Errors
    /// The outcome of the call, if it failed.
    async fn fetch<T: DeserializeOwned>(
        &self,
        request: HttpRequest,
        config: &Config,
        of_account: bool,
    ) -> Result<T, Box<Outcome>> {
        let target = config.channel.as_str();
        let response = self.call(request, config).await.map_err(|error| {
            let outcome = error.redacted_outcome(target, &self.secrets(config));
            Box::new(match outcome.class() {
                Class::Unknown => Outcome::retry(
                    target,
                    Fault::Network,
                    redacted(&error.to_string(), &self.secrets(config)),
                ),
                _ => outcome,
            })
        })?;
        match response.json() {
            Ok(found) if response.is_success() => Ok(found),
            _ => {
                let now = self.host.now();
                let outcome = outcome::of_rest(target, &response, now, &self.secrets(config));
                Err(Box::new(if of_account && response.status() == 404 {
                    outcome.hint("check host: its REST API has no such account")
                } else {
                    outcome
                }))
            }
        }
    }

    async fn call(&self, request: HttpRequest, config: &Config) -> Result<HttpResponse, HostError> {
        let request = request
            .header(
                "Authorization",
                format!("Bearer {}", self.token.expose().trim()),
            )
            .max_response(MAX_RESPONSE_SIZE);
        self.host.http(trusting(request, config)).await
    }

    fn secrets(&self, config: &Config) -> Vec<String> {
        let token = self.token.expose().trim().to_owned();
        [token].into_iter().chain(config.logins()).collect()
    }
}

/// Returns the outcome of a message of which only the first parts were posted. A retry would post
/// them again, so the message counts as delivered, and a note says what is missing.
fn partly_posted(
    target: &str,
    first: &str,
    posted: usize,
    message: &Message,
    why: &Outcome,
) -> Outcome {
    let missing = message.parts.len() - posted;
    Outcome::delivered(target)
        .id(first)
        .notes(message.notes.iter().cloned())
        .note(format!(
            "the last {missing} of {} posts are missing: {}",
            message.parts.len(),
            why.raw().detail
        ))
}

fn root_is_gone(response: &HttpResponse) -> bool {
    response.status() == 400
        && Refusal::read(response).is_some_and(|refusal| refusal.id.contains("root_id"))
}
