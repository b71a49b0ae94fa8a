//! Watches a bot's posts until a person acknowledges them.
//!
//! A bot has no open port, so it asks: one task of the channel reads the reactions to its posts and
//! the replies in their threads, as long as there is a post to watch. Posts are stored in the
//! host's store, so that they are watched after a restart, too. What is asked is bounded: the posts
//! by number and age, the requests by round, and a post is asked for less often as it grows older.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use annunciator_sdk::Acknowledgement;
use futures_util::lock::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::reader::{Account, Reader, Unread};
use crate::signs::Signs;

/// The interval between two rounds, and the shortest one between two requests for a post.
const POLL_INTERVAL: Duration = Duration::from_secs(15);

/// The longest interval between two requests for a post. Up to this, it is a tenth of its age.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(300);

/// The longest time for which a server that asks for it is left alone. People wait for the effect of
/// their reactions.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(3600);

/// The age after which a post is no longer watched.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The maximum number of posts that are watched; the oldest are given up first.
const MAX_POSTS: usize = 96;

/// The maximum number of posts of one incident that are watched: the first, and the newest others.
const MAX_POSTS_OF_INCIDENT: usize = 4;

/// The maximum size of the list as it is stored, in bytes; the host limits a value to 64 KiB.
const MAX_STORED_SIZE: usize = 60 * 1024;

/// The maximum length of an incident's name as it is stored, in bytes.
const MAX_INCIDENT_LENGTH: usize = 200;

/// The maximum number of requests in one round. A server that limits the rate allows 10 a second,
/// unless it is configured otherwise:
/// <https://docs.mattermost.com/configure/rate-limiting-configuration-settings.html>.
const MAX_REQUESTS: usize = 20;

/// The maximum number of people whose accounts are looked up for one post in one round.
const MAX_CANDIDATES: usize = 10;

/// The key of the posts that are watched.
const WATCHED: &str = "watched";

/// A post that somebody may acknowledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// The ID of the post.
    pub(crate) id: String,
    /// The ID of the root of its thread; its own if it is the root.
    pub(crate) root: String,
    /// The host's reference to the delivery.
    pub(crate) reference: String,
    /// The incident; empty for none.
    pub(crate) incident: String,
    /// The ID of the bot's account.
    pub(crate) bot: String,
    /// When the server created it, in milliseconds since the Unix epoch, by the server's clock.
    pub(crate) created_ms: i64,
    /// When it was posted, in milliseconds since the Unix epoch, by the host's clock.
    pub(crate) posted_ms: i64,
}

/// What is known of a thread while the task runs.
#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    /// When it is next asked for, by the host's clock.
    next_ms: i64,
    /// When the newest reply that was read was created, by the server's clock.
    since_ms: i64,
}

/// A sign by a person, which may be an acknowledgement.
struct Candidate {
    user: String,
    at_ms: i64,
    note: String,
    /// The host's reference to the delivery that it acknowledges.
    reference: String,
}

/// The posts of one channel that are watched.
pub(crate) struct Watch {
    api: Arc<Api>,
    reader: Reader,
    signs: Signs,
    /// Serializes the changes of the store, and says whether the task runs.
    state: Mutex<IsRunning>,
}

struct IsRunning(bool);

impl Watch {
    pub(crate) fn new(api: Arc<Api>, signs: Signs) -> Arc<Self> {
        Arc::new(Self {
            reader: Reader::new(Arc::clone(&api)),
            api,
            signs,
            state: Mutex::new(IsRunning(false)),
        })
    }

    /// Begins to watch a post.
    pub(crate) async fn begin(self: &Arc<Self>, mut post: Watched) {
        post.incident = shortened(&post.incident).to_owned();
        let mut state = self.state.lock().await;
        // Unless the list can be read, writing would lose it.
        let Some(mut posts) = self.load().await else {
            return;
        };
        add(&mut posts, post);
        self.store(&mut posts).await;
        self.run(&mut state);
    }

    /// Stops watching the posts of an incident, which has ended or was taken over.
    pub(crate) async fn end(&self, incident: &str) {
        let incident = shortened(incident);
        if !incident.is_empty() {
            self.remove(|post| post.incident == incident).await;
        }
    }

    /// Continues to watch what an earlier process watched.
    pub(crate) async fn resume(self: &Arc<Self>) {
        let mut state = self.state.lock().await;
        if self.load().await.is_some_and(|posts| !posts.is_empty()) {
            self.run(&mut state);
        }
    }

    /// Starts the task, unless it runs.
    fn run(self: &Arc<Self>, state: &mut MutexGuard<'_, IsRunning>) {
        if state.0 {
            return;
        }
        match self.api.host().spawn(Arc::clone(self).poll()) {
            Ok(()) => state.0 = true,
            Err(error) => tracing::warn!(
                "nobody can acknowledge the bot's posts until the next start: {error}"
            ),
        }
    }

    /// Asks until there is nothing to watch.
    async fn poll(self: Arc<Self>) {
        let mut known: BTreeMap<String, Progress> = BTreeMap::new();
        let mut failures: u32 = 0;
        let mut delay = POLL_INTERVAL;
        loop {
            self.api.host().sleep(delay).await;
            let Some(posts) = self.current().await else {
                return;
            };
            known.retain(|root, _| posts.iter().any(|post| post.root == *root));
            let failed = self.round(&posts, &mut known).await.err();
            delay = match failed {
                None => {
                    failures = 0;
                    POLL_INTERVAL
                }
                Some(wanted) => {
                    let grown = POLL_INTERVAL * 2_u32.saturating_pow(failures.min(8));
                    failures = failures.saturating_add(1);
                    grown.min(MAX_POLL_INTERVAL).max(wanted.unwrap_or_default())
                }
            };
            let pause = self.reader.take_pause().unwrap_or_default();
            delay = delay.max(pause).min(MAX_RETRY_DELAY);
        }
    }

    /// Returns the posts to watch, without those that are too old. If there are none, the task has
    /// ended with that.
    async fn current(&self) -> Option<Vec<Watched>> {
        let mut state = self.state.lock().await;
        let Some(mut posts) = self.load().await else {
            // The store may be readable again later.
            return Some(Vec::new());
        };
        let before = posts.len();
        let oldest = self.api.host().now_ms().saturating_sub(millis(MAX_AGE));
        posts.retain(|post| post.posted_ms > oldest);
        if posts.len() != before {
            self.store(&mut posts).await;
        }
        if posts.is_empty() {
            state.0 = false;
            return None;
        }
        Some(posts)
    }

    /// Asks for the threads that are due, the longest due first.
    ///
    /// # Errors
    /// The server could not be asked, and wants to be left alone for this time, if it names one.
    async fn round(
        &self,
        posts: &[Watched],
        known: &mut BTreeMap<String, Progress>,
    ) -> Result<(), Option<Duration>> {
        let mut threads: BTreeMap<&str, Vec<&Watched>> = BTreeMap::new();
        for post in posts {
            threads.entry(&post.root).or_default().push(post);
        }
        let now = self.api.host().now_ms();
        let next = |root: &str| known.get(root).map_or(0, |progress| progress.next_ms);
        let mut due: Vec<(i64, &str)> = threads.keys().map(|root| (next(root), *root)).collect();
        due.retain(|(next, _)| *next <= now);
        due.sort_unstable();
        let mut requests = 0;
        for (_, root) in due {
            let of_thread = threads.get(root).map_or(&[][..], Vec::as_slice);
            requests += of_thread.len() + 1;
            if requests > MAX_REQUESTS || self.reader.is_paused() {
                break;
            }
            let created = of_thread.iter().map(|post| post.created_ms).min();
            let progress = known.entry(root.to_owned()).or_default();
            progress.since_ms = progress.since_ms.max(created.unwrap_or_default());
            // Before it is asked for: a thread that fails every time must not keep others waiting.
            let newest = of_thread.iter().map(|post| post.posted_ms).max();
            let age = now.saturating_sub(newest.unwrap_or_default()).max(0);
            let (least, most) = (millis(POLL_INTERVAL), millis(MAX_POLL_INTERVAL));
            progress.next_ms = now.saturating_add((age / 10).clamp(least, most));
            let asked = self.ask(root, of_thread, &mut progress.since_ms).await;
            if let Err(Unread::Later(wanted)) = asked {
                return Err(wanted);
            }
        }
        Ok(())
    }

    /// Asks for the posts of one thread, and reports who has acknowledged one of them. `since_ms`
    /// advances to the newest reply.
    async fn ask(&self, root: &str, posts: &[&Watched], since_ms: &mut i64) -> Result<(), Unread> {
        let mut candidates = Vec::new();
        for post in posts {
            match self.reader.reactions(&post.id).await {
                Ok(reactions) => candidates.extend(
                    reactions
                        .into_iter()
                        .filter(|reaction| reaction.user_id != post.bot)
                        .filter(|reaction| self.signs.is_reaction(&reaction.emoji_name))
                        .map(|reaction| Candidate {
                            user: reaction.user_id,
                            at_ms: reaction.create_at,
                            note: format!(":{}:", reaction.emoji_name),
                            reference: post.reference.clone(),
                        }),
                ),
                Err(Unread::Gone(status)) => self.give_up(&post.id, status).await,
                Err(later) => return Err(later),
            }
        }
        let since = *since_ms;
        let thread = match self.reader.thread(root, since).await {
            Ok(thread) => thread,
            Err(Unread::Gone(status)) => {
                for post in posts {
                    self.give_up(&post.id, status).await;
                }
                return Ok(());
            }
            Err(later) => return Err(later),
        };
        for (id, said) in &thread.posts {
            if let Some(post) = posts.iter().find(|post| post.id == *id) {
                candidates.extend(said.buttons().iter().map(|pressed| Candidate {
                    user: pressed.user_id.clone(),
                    at_ms: pressed.acknowledged_at,
                    note: String::new(),
                    reference: post.reference.clone(),
                }));
            }
            let by_bot = posts.iter().any(|post| post.bot == said.user_id);
            let is_new = id != root && said.create_at > since;
            if is_new && !by_bot && said.is_by_a_person() && self.signs.is_reply(&said.message) {
                candidates.push(Candidate {
                    user: said.user_id.clone(),
                    at_ms: said.create_at,
                    note: said.message.clone(),
                    reference: answered(posts, said.create_at),
                });
            }
        }
        candidates.sort_by_key(|candidate| candidate.at_ms);
        let incident = posts.first().map_or("", |post| post.incident.as_str());
        if !self.report(root, incident, candidates).await? {
            let newest = thread.posts.values().map(|said| said.create_at).max();
            *since_ms = since.max(newest.unwrap_or_default());
        }
        Ok(())
    }

    /// Reports the first candidate that is a person. Returns whether there was one.
    async fn report(
        &self,
        root: &str,
        incident: &str,
        candidates: Vec<Candidate>,
    ) -> Result<bool, Unread> {
        let mut asked: Vec<String> = Vec::new();
        for candidate in candidates {
            if asked.contains(&candidate.user) {
                continue;
            }
            if asked.len() >= MAX_CANDIDATES {
                break;
            }
            let Account::Person(name) = self.reader.account(&candidate.user).await? else {
                asked.push(candidate.user);
                continue;
            };
            let name = name.unwrap_or_default();
            let acknowledgement = Acknowledgement::default()
                .by(&name)
                .at_ms(candidate.at_ms)
                .note(&candidate.note);
            let host = self.api.host();
            if let Err(error) = host.acknowledge(&candidate.reference, &acknowledgement) {
                // It is found again in the next round.
                tracing::debug!("the host does not accept the acknowledgement: {error}");
                return Ok(true);
            }
            tracing::info!(by = name, incident, "a post was acknowledged");
            self.remove(|post| match incident.is_empty() {
                true => post.root == root,
                false => post.incident == incident,
            })
            .await;
            return Ok(true);
        }
        Ok(false)
    }

    /// Stops watching a post that cannot be read any more.
    async fn give_up(&self, post: &str, status: u16) {
        if status == 403 {
            tracing::warn!(
                post,
                "nobody can acknowledge a post: it was deleted, or the bot is no longer a member \
                 of the channel"
            );
        } else {
            tracing::debug!(post, status, "a post cannot be acknowledged any more");
        }
        self.remove(|watched| watched.id == post).await;
    }

    async fn remove(&self, is_over: impl Fn(&Watched) -> bool) {
        let _one = self.state.lock().await;
        let Some(mut posts) = self.load().await else {
            return;
        };
        let before = posts.len();
        posts.retain(|post| !is_over(post));
        if posts.len() != before {
            self.store(&mut posts).await;
        }
    }

    /// Returns the posts that are stored, or `None` if the store cannot be read.
    async fn load(&self) -> Option<Vec<Watched>> {
        match self.api.host().kv_get(WATCHED).await {
            Ok(bytes) => {
                let posts = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                Some(posts.unwrap_or_default())
            }
            Err(error) => {
                tracing::warn!("the posts to watch could not be read: {error}");
                None
            }
        }
    }

    async fn store(&self, posts: &mut Vec<Watched>) {
        let host = self.api.host();
        let bytes = loop {
            match serde_json::to_vec(posts) {
                Ok(bytes) if bytes.len() > MAX_STORED_SIZE => {
                    posts.remove(0);
                }
                encoded => break encoded.unwrap_or_default(),
            }
        };
        let stored = match posts.is_empty() {
            true => host.kv_remove(WATCHED).await,
            false => host.kv_put(WATCHED, &bytes).await,
        };
        if let Err(error) = stored {
            tracing::warn!("the posts to watch could not be stored: {error}");
        }
    }
}

/// Adds a post, within the bounds.
fn add(posts: &mut Vec<Watched>, post: Watched) {
    let of_incident =
        |other: &Watched| !post.incident.is_empty() && other.incident == post.incident;
    let places: Vec<usize> = (0..posts.len())
        .filter(|at| posts.get(*at).is_some_and(of_incident))
        .collect();
    // The first one is where people look; the second oldest gives way.
    if places.len() >= MAX_POSTS_OF_INCIDENT
        && let Some(second) = places.get(1)
    {
        posts.remove(*second);
    }
    posts.push(post);
    let surplus = posts.len().saturating_sub(MAX_POSTS);
    posts.drain(..surplus);
}

/// Returns the reference of the post that a reply in its thread answers: the newest one before it.
fn answered(posts: &[&Watched], at_ms: i64) -> String {
    let earlier = posts.iter().filter(|post| post.created_ms <= at_ms);
    let newest = earlier.max_by_key(|post| post.created_ms);
    let found = newest.or_else(|| posts.iter().min_by_key(|post| Reverse(post.created_ms)));
    found.map_or_else(String::new, |post| post.reference.clone())
}

fn shortened(incident: &str) -> &str {
    let ends = incident.char_indices().map(|(at, one)| at + one.len_utf8());
    let end = ends.take_while(|end| *end <= MAX_INCIDENT_LENGTH).last();
    end.and_then(|end| incident.get(..end)).unwrap_or_default()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(id: usize, incident: &str) -> Watched {
        Watched {
            id: id.to_string(),
            root: "r".to_owned(),
            reference: format!("d{id}"),
            incident: incident.to_owned(),
            bot: "b".to_owned(),
            created_ms: i64::try_from(id).unwrap(),
            posted_ms: 0,
        }
    }

    fn ids(posts: &[Watched]) -> Vec<&str> {
        posts.iter().map(|post| post.id.as_str()).collect()
    }

    #[test]
    fn of_one_incident_the_first_post_and_the_newest_are_watched() {
        let mut posts = vec![post(1, "other")];
        for id in 2..9 {
            add(&mut posts, post(id, "a"));
        }
        assert_eq!(ids(&posts), ["1", "2", "6", "7", "8"]);
    }

    #[test]
    fn of_many_incidents_the_newest_posts_are_watched() {
        let mut posts = Vec::new();
        for id in 0..MAX_POSTS + 2 {
            add(&mut posts, post(id, ""));
        }
        assert_eq!(posts.len(), MAX_POSTS);
        assert_eq!(posts[0].id, "2");
    }

    #[test]
    fn a_reply_answers_the_newest_post_before_it() {
        let (early, late) = (post(3, "a"), post(7, "a"));
        let posts = [&early, &late];
        for (at, expected) in [(3, "d3"), (6, "d3"), (7, "d7"), (9, "d7"), (1, "d7")] {
            assert_eq!(answered(&posts, at), expected, "{at}");
        }
    }
}
