//! Reads what people did with a bot's posts: reactions, threads, and the names of accounts.
//!
//! Each call reads only, and says what a refusal means for the post. The facts are those of
//! <https://github.com/mattermost/mattermost/tree/master/api/v4/source> (`reactions.yaml`,
//! `posts.yaml`, `users.yaml`) and of `server/channels/api4/post.go` there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use annunciator_sdk::{HttpRequest, HttpResponse, redacted};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::Api;
use crate::outcome::wait;

/// The maximum number of replies in one answer, which is that of the server (`PerPageMaximum`).
const REPLIES_PER_PAGE: u32 = 200;

/// The number of calls that are left for others when the server limits their rate. Posting is worth
/// more than asking.
const RESERVED_CALLS: u64 = 5;

/// The maximum number of accounts whose names are cached.
const MAX_ACCOUNTS: usize = 256;

/// The reason why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The post is gone, or the bot may not read it any more; the status says which.
    Gone(u16),
    /// It is worth asking again, after this time if the server names one.
    Later(Option<Duration>),
}

/// A reaction to a post.
#[derive(Debug, Deserialize)]
pub(crate) struct Reaction {
    #[serde(default)]
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) emoji_name: String,
    /// When it was added, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub(crate) create_at: i64,
}

/// A thread, or the page of it that was asked for. The root is always in it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Thread {
    #[serde(default)]
    pub(crate) posts: BTreeMap<String, ThreadPost>,
}

/// A post of a thread.
#[derive(Debug, Deserialize)]
pub(crate) struct ThreadPost {
    #[serde(default)]
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) create_at: i64,
    #[serde(default)]
    delete_at: i64,
    #[serde(default)]
    pub(crate) message: String,
    /// Empty for what a person wrote, such as `system_join_channel` for what the server did.
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    props: Option<Props>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
struct Props {
    #[serde(default)]
    from_webhook: Option<serde_json::Value>,
    #[serde(default)]
    from_bot: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    acknowledgements: Option<Vec<PressedButton>>,
}

/// An acknowledgement by the button that `requested_ack` shows.
#[derive(Debug, Deserialize)]
pub(crate) struct PressedButton {
    #[serde(default)]
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) acknowledged_at: i64,
}

impl ThreadPost {
    /// Returns whether a person wrote it, and not the server, a webhook or a bot.
    pub(crate) fn is_by_a_person(&self) -> bool {
        let props = self.props.as_ref();
        let by_program =
            props.is_some_and(|props| props.from_webhook.is_some() || props.from_bot.is_some());
        self.kind.is_empty() && self.delete_at == 0 && !by_program
    }

    pub(crate) fn buttons(&self) -> &[PressedButton] {
        let metadata = self.metadata.as_ref();
        let pressed = metadata.and_then(|metadata| metadata.acknowledgements.as_deref());
        pressed.unwrap_or_default()
    }
}

/// Whose account it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    /// A program's.
    Bot,
    /// A person's, with the name with which the person logs in; `None` if the server does not name
    /// the person.
    Person(Option<String>),
}

#[derive(Debug, Deserialize)]
struct User {
    username: String,
    #[serde(default)]
    is_bot: bool,
}

/// Reads for one bot.
pub(crate) struct Reader {
    api: Arc<Api>,
    accounts: Mutex<BTreeMap<String, Account>>,
    /// How long the server wants no more calls.
    pause: Mutex<Option<Duration>>,
}

impl Reader {
    pub(crate) fn new(api: Arc<Api>) -> Self {
        Self {
            api,
            accounts: Mutex::default(),
            pause: Mutex::default(),
        }
    }

    /// Returns the time for which nothing should be asked, if few calls are left by the limit of
    /// the server's rate, and forgets it.
    pub(crate) fn take_pause(&self) -> Option<Duration> {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.take()
    }

    /// Returns whether few calls are left, so that a round should end.
    pub(crate) fn is_paused(&self) -> bool {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.is_some()
    }

    /// Returns the reactions to a post.
    ///
    /// # Errors
    /// [`Unread`] says whether to ask again.
    pub(crate) async fn reactions(&self, post: &str) -> Result<Vec<Reaction>, Unread> {
        let url = self.api.url(&["posts", post, "reactions"]);
        // A post without reactions may have null.
        let reactions: Option<Vec<Reaction>> = self.read(url).await?;
        Ok(reactions.unwrap_or_default())
    }

    /// Returns the replies of a thread that are newer than a time, the oldest first, and its root.
    /// An older server returns the whole thread.
    ///
    /// # Errors
    /// [`Unread`] says whether to ask again.
    pub(crate) async fn thread(&self, root: &str, since_ms: i64) -> Result<Thread, Unread> {
        let url = self.api.url(&["posts", root, "thread"]);
        let query = format!("?direction=down&perPage={REPLIES_PER_PAGE}&fromCreateAt={since_ms}");
        self.read(url + &query).await
    }

    /// Returns whose account an ID names.
    ///
    /// # Errors
    /// [`Unread::Later`]; an account that the server does not show is an unknown person's.
    pub(crate) async fn account(&self, id: &str) -> Result<Account, Unread> {
        let known = || self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known().get(id) {
            return Ok(account.clone());
        }
        let account = match self.read::<User>(self.api.url(&["users", id])).await {
            Ok(user) if user.is_bot => Account::Bot,
            Ok(user) => Account::Person(Some(user.username)),
            Err(Unread::Gone(_)) => return Ok(Account::Person(None)),
            Err(later) => return Err(later),
        };
        let mut accounts = known();
        if accounts.len() >= MAX_ACCOUNTS {
            accounts.clear();
        }
        accounts.insert(id.to_owned(), account.clone());
        Ok(account)
    }

    async fn read<T: DeserializeOwned>(&self, url: String) -> Result<T, Unread> {
        let response = match self.api.call(HttpRequest::get(url)).await {
            Ok(response) => response,
            Err(error) => {
                let why = redacted(&error.to_string(), &self.api.secrets());
                tracing::debug!("the server cannot be asked for acknowledgements: {why}");
                return Err(Unread::Later(None));
            }
        };
        self.note_rate(&response);
        let status = response.status();
        match response.json() {
            Ok(read) if response.is_success() => Ok(read),
            _ if matches!(status, 400 | 403 | 404) => Err(Unread::Gone(status)),
            _ => {
                tracing::debug!(status, "the server cannot be asked for acknowledgements");
                Err(Unread::Later(wait(&response, self.api.host().now())))
            }
        }
    }

    /// Notes how many calls the server still allows. `X-RateLimit-Reset` is in seconds from now:
    /// <https://developers.mattermost.com/api-documentation/#/#rate-limiting>.
    fn note_rate(&self, response: &HttpResponse) {
        let number = |name: &str| response.header(name)?.trim().parse::<u64>().ok();
        let (Some(left), Some(reset)) =
            (number("X-RateLimit-Remaining"), number("X-RateLimit-Reset"))
        else {
            return;
        };
        if left <= RESERVED_CALLS {
            let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
            *pause = Some(Duration::from_secs(reset));
        }
    }
}
