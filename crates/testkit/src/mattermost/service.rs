//! The running stand-in, which a test starts, queries and controls.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::http::{Connections, Fault, HttpServer, Journal, NotSeen};

use super::BOT;
use super::directory::{Directory, new_id};
use super::limiter::Limiter;
use super::post::{Post, Reaction};
use super::refusal::ErrorStyle;
use super::routes;

/// The server's default for the maximum size of a body, in bytes:
/// <https://docs.mattermost.com/configure/environment-configuration-settings.html>.
const PAYLOAD_LIMIT: usize = 300_000;

/// A rule that the client broke without being refused for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The query of a call to this path contained the bot's token.
    SecretInQuery(String),
}

/// The builder of a stand-in.
#[derive(Debug)]
pub struct Builder {
    directory: Directory,
    style: ErrorStyle,
    webhooks: bool,
    overrides: bool,
    payload_limit: usize,
    limiter: Option<Limiter>,
    base_path: String,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            directory: Directory::default(),
            style: ErrorStyle::default(),
            webhooks: true,
            overrides: true,
            payload_limit: PAYLOAD_LIMIT,
            limiter: None,
            base_path: String::new(),
            tls: None,
        }
    }
}

impl Builder {
    /// Adds a public channel; the hook's creator and the bot are members.
    #[must_use]
    pub fn channel(mut self, name: &str) -> Self {
        self.directory.add_channel(name, false, true);
        self
    }

    /// Adds a private channel; `joined` says whether the hook's creator and the bot are members.
    #[must_use]
    pub fn private_channel(mut self, name: &str, joined: bool) -> Self {
        self.directory.add_channel(name, true, joined);
        self
    }

    /// Adds a public channel of which the bot is not a member.
    #[must_use]
    pub fn foreign_channel(mut self, name: &str) -> Self {
        self.directory.add_channel(name, false, false);
        self
    }

    /// Adds a hook; its channel need not exist.
    #[must_use]
    pub fn hook(mut self, id: &str, channel: &str) -> Self {
        self.directory.add_hook(id, channel);
        self
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.directory.add_user(name, false);
        self
    }

    /// Adds another bot.
    #[must_use]
    pub fn other_bot(mut self, name: &str) -> Self {
        self.directory.add_user(name, true);
        self
    }

    /// Locks every hook to its own channel.
    #[must_use]
    pub fn locked(mut self) -> Self {
        for hook in self.directory.hooks.values_mut() {
            hook.locked = true;
        }
        self
    }

    /// Removes the accounts that created the hooks.
    #[must_use]
    pub fn creators_gone(mut self) -> Self {
        for hook in self.directory.hooks.values_mut() {
            hook.creator_exists = false;
        }
        self
    }

    /// Sets whether refusals are worded as by an older or a current server.
    #[must_use]
    pub fn errors(mut self, style: ErrorStyle) -> Self {
        self.style = style;
        self
    }

    /// Sets whether incoming webhooks are enabled.
    #[must_use]
    pub fn webhooks(mut self, enabled: bool) -> Self {
        self.webhooks = enabled;
        self
    }

    /// Sets whether a webhook may override name and picture. On a new real server it may not.
    #[must_use]
    pub fn overrides(mut self, enabled: bool) -> Self {
        self.overrides = enabled;
        self
    }

    /// Sets the maximum size of a body, in bytes.
    #[must_use]
    pub fn payload_limit(mut self, bytes: usize) -> Self {
        self.payload_limit = bytes;
        self
    }

    /// Enables the rate limit: this many requests pass until [`Mattermost::refill`].
    #[must_use]
    pub fn rate_limit(mut self, requests: u64) -> Self {
        self.limiter = Some(Limiter::new(requests));
        self
    }

    /// Serves below this path, such as `/chat`.
    #[must_use]
    pub fn base_path(mut self, path: &str) -> Self {
        self.base_path = path.trim_end_matches('/').to_owned();
        self
    }

    /// Uses TLS with this configuration.
    #[must_use]
    pub fn tls(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Starts on 127.0.0.1.
    ///
    /// # Panics
    /// Panics if the system gives no port.
    #[expect(clippy::expect_used, reason = "without a port there is no test")]
    pub async fn start(self) -> Mattermost {
        let service = Arc::new(MattermostService {
            posts: Journal::default(),
            violations: Journal::default(),
            style: self.style,
            webhooks: self.webhooks,
            overrides: self.overrides,
            payload_limit: self.payload_limit,
            base_path: self.base_path,
            state: Mutex::new(MattermostState {
                directory: self.directory,
                limiter: self.limiter,
                failing: BTreeSet::new(),
                deleted: BTreeSet::new(),
                created: 0,
                last_ms: 0,
            }),
        });
        let mut server = HttpServer::builder();
        if let Some(config) = self.tls {
            server = server.tls(config);
        }
        let routed = Arc::clone(&service);
        let server = server
            .start(move |request| {
                let service = Arc::clone(&routed);
                async move { routes::route(request, &service).await }
            })
            .await
            .expect("the system gives a port on 127.0.0.1");
        Mattermost { server, service }
    }
}

/// A running stand-in of a Mattermost server. It stops when dropped.
#[derive(Debug)]
pub struct Mattermost {
    server: HttpServer,
    service: Arc<MattermostService>,
}

impl Mattermost {
    /// Starts a server of the current version with one hook ([`super::HOOK`]), one channel
    /// ([`super::CHANNEL`]) and one bot ([`super::BOT_TOKEN`]).
    ///
    /// # Panics
    /// Panics if the system gives no port.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Returns the builder of a server with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns its base URL with the path, such as `http://127.0.0.1:40001/chat`.
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), self.service.base_path)
    }

    /// Returns every stored post, in order.
    pub fn messages(&self) -> Vec<Post> {
        self.service.posts.entries()
    }

    /// Waits for this many stored posts.
    ///
    /// # Errors
    /// Fails with [`NotSeen`] after a generous time limit.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Post>, NotSeen> {
        self.service.posts.wait_for(count).await
    }

    /// Returns the rules that the client broke.
    pub fn violations(&self) -> Vec<Violation> {
        self.service.violations.entries()
    }

    /// Refills the rate limit.
    pub fn refill(&self) {
        if let Some(limiter) = &mut self.service.state().limiter {
            limiter.refill();
        }
    }

    /// Makes the creation of a post fail: 0 is the next one, 1 the one after it.
    pub fn fail_post(&self, number: u64) {
        let mut state = self.service.state();
        let failing = state.created + number;
        state.failing.insert(failing);
    }

    /// Archives a channel, to which nothing can be posted any more.
    pub fn archive(&self, channel: &str) {
        if let Some(channel) = self.service.state().directory.channels.get_mut(channel) {
            channel.archived = true;
        }
    }

    /// Deletes a post, which cannot be replied to any more.
    pub fn delete(&self, post: &str) {
        self.service.state().deleted.insert(post.to_owned());
    }

    /// Has an account react to a post with an emoji. Returns whether both exist.
    pub fn react(&self, post: &str, user: &str, emoji: &str) -> bool {
        let mut state = self.service.state();
        let (Some(user_id), create_at) = (state.account(user), state.next_ms()) else {
            return false;
        };
        let reaction = Reaction {
            user_id,
            emoji_name: emoji.to_owned(),
            create_at,
        };
        self.change(post, |post| post.reactions.push(reaction))
    }

    /// Has an account press the button of a post that asks for an acknowledgement. Returns whether
    /// both exist.
    pub fn acknowledge(&self, post: &str, user: &str) -> bool {
        let mut state = self.service.state();
        let (Some(user), at) = (state.account(user), state.next_ms()) else {
            return false;
        };
        self.change(post, |post| post.acknowledgements.push((user, at)))
    }

    /// Has an account reply in the thread of a root. Returns whether both exist.
    pub fn reply(&self, root: &str, user: &str, text: &str) -> bool {
        let mut state = self.service.state();
        let (account, create_at) = (state.directory.users.get(user).cloned(), state.next_ms());
        let posts = self.service.posts.entries();
        let root = posts
            .iter()
            .find(|post| post.id == root && post.root_id.is_empty());
        let (Some(account), Some(root)) = (account, root) else {
            return false;
        };
        let mut props = serde_json::Map::new();
        if account.is_bot {
            // As `PreparePostForClient` marks it.
            props.insert("from_bot".to_owned(), "true".into());
        }
        let reply = Post {
            id: new_id(),
            user_id: account.id,
            create_at,
            message: text.to_owned(),
            root_id: root.id.clone(),
            kind: String::new(),
            props,
            priority: None,
            file_ids: Vec::new(),
            reactions: Vec::new(),
            acknowledgements: Vec::new(),
            ..root.clone()
        };
        state.store(reply, &self.service)
    }

    /// Makes the bot leave a channel, or join it again.
    pub fn join(&self, channel: &str, joined: bool) {
        if let Some(channel) = self.service.state().directory.channels.get_mut(channel) {
            channel.joined = joined;
        }
    }

    fn change(&self, post: &str, change: impl FnOnce(&mut Post)) -> bool {
        let mut is_there = false;
        self.service.posts.change(|posts| {
            if let Some(found) = posts.iter_mut().find(|one| one.id == post) {
                change(found);
                is_there = true;
            }
        });
        is_there
    }

    /// Injects a fault into the next request.
    pub fn fault(&self, fault: Fault) {
        self.server.fault(fault);
    }

    /// Injects a fault into every request; `None` ends it.
    pub fn always(&self, fault: impl Into<Option<Fault>>) {
        self.server.always(fault);
    }

    /// Returns the counters of connections.
    pub fn connections(&self) -> &Connections {
        self.server.connections()
    }
}

/// The state that the server's tasks share with the stand-in.
#[derive(Debug)]
pub(super) struct MattermostService {
    pub(super) posts: Journal<Post>,
    pub(super) violations: Journal<Violation>,
    pub(super) style: ErrorStyle,
    pub(super) webhooks: bool,
    pub(super) overrides: bool,
    pub(super) payload_limit: usize,
    pub(super) base_path: String,
    state: Mutex<MattermostState>,
}

/// The state that calls change.
#[derive(Debug)]
pub(super) struct MattermostState {
    pub(super) directory: Directory,
    pub(super) limiter: Option<Limiter>,
    pub(super) deleted: BTreeSet<String>,
    failing: BTreeSet<u64>,
    created: u64,
    /// The newest time of a post or a reaction.
    last_ms: i64,
}

impl MattermostService {
    pub(super) fn state(&self) -> MutexGuard<'_, MattermostState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MattermostState {
    /// Returns the time of something new, in milliseconds since the Unix epoch. It is greater than
    /// all before it.
    pub(super) fn next_ms(&mut self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_millis());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.last_ms = now.max(self.last_ms + 1);
        self.last_ms
    }

    /// Returns the ID of an account by its name; `annunciator` is the bot's own.
    fn account(&self, name: &str) -> Option<String> {
        if name == BOT {
            return Some(self.directory.bot_id.clone());
        }
        Some(self.directory.users.get(name)?.id.clone())
    }

    /// Stores a post; `false` if that fails, at the test's request or because the channel is
    /// archived.
    pub(super) fn store(&mut self, post: Post, service: &MattermostService) -> bool {
        let number = self.created;
        self.created += 1;
        let channel = self.directory.channels.get(&post.channel);
        if self.failing.remove(&number) || channel.is_some_and(|channel| channel.archived) {
            return false;
        }
        service.posts.record(post);
        true
    }
}
