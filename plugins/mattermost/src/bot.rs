//! A bot that posts by the REST API v4: <https://developers.mattermost.com/api-documentation/>.
//!
//! It looks up the channel once, posts a message part by part, and returns the outcome. `threads`
//! stores the thread of each incident, and `watch` asks whether somebody has acknowledged a post.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annunciator_sdk::{
    Check, Class, Delivery, Fault, Host, HostError, HttpRequest, HttpResponse, Kind, Outcome,
    redacted,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::Api;
use crate::config::Config;
use crate::message::Message;
use crate::outcome::{self, Refusal};
use crate::signs::Signs;
use crate::threads::Threads;
use crate::watch::{Watch, Watched};
use crate::webhook::failed;

/// A bot that is ready to post.
pub(crate) struct Bot {
    api: Arc<Api>,
    team: String,
    channel_id: Mutex<Option<String>>,
    threads: Threads,
    /// The posts that somebody may acknowledge; `None` if the settings want none.
    watch: Option<Arc<Watch>>,
}

/// A post as the server has created it.
#[derive(Debug, Clone, Deserialize)]
struct Created {
    id: String,
    /// The ID of the bot's account.
    #[serde(default)]
    user_id: String,
    /// In milliseconds since the Unix epoch, by the server's clock.
    #[serde(default)]
    create_at: i64,
}

/// A message of which at least the first part was posted.
struct Posted {
    first: Created,
    /// The root of the thread, if there is one.
    root: Option<String>,
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
    pub(crate) fn new(api: Api, team: &str, config: &Config) -> Self {
        let api = Arc::new(api);
        let watches = config.acknowledges();
        Self {
            watch: watches.then(|| Watch::new(Arc::clone(&api), Signs::new(config))),
            threads: Threads::new(api.host().clone()),
            api,
            team: team.to_owned(),
            channel_id: Mutex::new(None),
        }
    }

    /// Continues to watch the posts of an earlier process.
    pub(crate) async fn resume(&self) {
        if let Some(watch) = &self.watch {
            watch.resume().await;
        }
    }

    fn host(&self) -> &Host {
        self.api.host()
    }

    pub(crate) async fn post(
        &self,
        delivery: &Delivery,
        message: &Message,
        config: &Config,
    ) -> Outcome {
        let channel_id = match self.channel_id(config).await {
            Ok(id) => id,
            Err(outcome) => return *outcome,
        };
        let notification = delivery.notification();
        let incident = notification.incident().filter(|_| config.thread);
        let Some(incident) = incident else {
            let (outcome, posted) = self.post_parts(message, config, &channel_id, None).await;
            self.follow(delivery, posted.as_ref()).await;
            return outcome;
        };
        let _one = self.threads.enter(incident).await;
        let root = self.threads.root(incident, &channel_id).await;
        let (outcome, posted) = self
            .post_parts(message, config, &channel_id, root.clone())
            .await;
        self.follow(delivery, posted.as_ref()).await;
        match posted.and_then(|posted| posted.root) {
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

    /// Watches what was posted until somebody acknowledges it, or stops watching the posts of an
    /// incident that has ended or was taken over.
    async fn follow(&self, delivery: &Delivery, posted: Option<&Posted>) {
        let Some(watch) = &self.watch else {
            return;
        };
        let notification = delivery.notification();
        let incident = notification.incident().unwrap_or_default();
        if notification.kind() == Kind::Recovery || notification.acknowledged_by().is_some() {
            watch.end(incident).await;
            return;
        }
        // Nobody waits for a proof without a reference.
        let Some(posted) = posted.filter(|_| !delivery.reference().is_empty()) else {
            return;
        };
        let first = &posted.first;
        let watched = Watched {
            id: first.id.clone(),
            root: posted.root.as_ref().unwrap_or(&first.id).clone(),
            reference: delivery.reference().to_owned(),
            incident: incident.to_owned(),
            bot: first.user_id.clone(),
            created_ms: first.create_at,
            posted_ms: self.host().now_ms(),
        };
        watch.begin(watched).await;
    }

    /// Posts a message part by part. Returns the outcome, and what was posted if that is at least
    /// the first part.
    async fn post_parts(
        &self,
        message: &Message,
        config: &Config,
        channel_id: &str,
        root: Option<String>,
    ) -> (Outcome, Option<Posted>) {
        let target = config.channel.as_str();
        let threaded = config.thread;
        let mut root = root;
        let mut first: Option<Created> = None;
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
            let mut answered = self.create(&draft(&root)).await;
            if let Ok(response) = &answered
                && root.is_some()
                && first.is_none()
                && root_is_gone(response)
            {
                // Somebody deleted the thread, so nothing was posted. The post begins a new one.
                root = None;
                answered = self.create(&draft(&root)).await;
            }
            let created = match self.created(config, answered) {
                Ok(created) => created,
                Err(outcome) => match first {
                    None => return (outcome.notes(message.notes.iter().cloned()), None),
                    Some(first) => {
                        let outcome = partly_posted(target, &first.id, number, message, &outcome);
                        return (outcome, Some(Posted { first, root }));
                    }
                },
            };
            if threaded && root.is_none() {
                root = Some(created.id.clone());
            }
            first.get_or_insert(created);
        }
        let id = first.as_ref().map(|first| first.id.clone());
        let outcome = Outcome::delivered(target)
            .id(id.unwrap_or_default())
            .notes(message.notes.iter().cloned());
        (outcome, first.map(|first| Posted { first, root }))
    }

    async fn create(&self, draft: &Value) -> Result<HttpResponse, HostError> {
        let url = self.api.url(&["posts"]);
        self.api.call(HttpRequest::post(url).json(draft)).await
    }

    fn created(
        &self,
        config: &Config,
        answered: Result<HttpResponse, HostError>,
    ) -> Result<Created, Box<Outcome>> {
        let target = config.channel.as_str();
        let response = answered
            .map_err(|error| Box::new(error.redacted_outcome(target, &self.api.secrets())))?;
        match (response.status(), response.json::<Created>()) {
            (201, Ok(post)) => Ok(post),
            (status, _) => {
                if matches!(status, 403 | 404) {
                    // The channel may have been created again under the same name.
                    *self.known_channel() = None;
                }
                let now = self.host().now();
                let outcome = outcome::of_rest(target, &response, now, &self.api.secrets());
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
        let path = ["teams", "name", &self.team, "channels", "name", name];
        let request = HttpRequest::get(self.api.url(&path));
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
        let url = self.api.url(&["users", "me"]);
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
        let response = self.api.call(request).await.map_err(|error| {
            let outcome = error.redacted_outcome(target, &self.api.secrets());
            Box::new(match outcome.class() {
                Class::Unknown => Outcome::retry(
                    target,
                    Fault::Network,
                    redacted(&error.to_string(), &self.api.secrets()),
                ),
                _ => outcome,
            })
        })?;
        match response.json() {
            Ok(found) if response.is_success() => Ok(found),
            _ => {
                let now = self.host().now();
                let outcome = outcome::of_rest(target, &response, now, &self.api.secrets());
                Err(Box::new(if of_account && response.status() == 404 {
                    outcome.hint("check host: its REST API has no such account")
                } else {
                    outcome
                }))
            }
        }
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
