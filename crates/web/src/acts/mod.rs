//! The log of acts: who has done what, when, from where, and what came of it.
//!
//! Every request that changes something passes [`record`], so that no handler can forget to
//! record it. What a handler knows besides, such as what a body is about, it adds by [`Acting`].
//! Of addresses, only names that are known not to be secret are recorded, and of bodies nothing
//! but what a handler names.

mod act;
mod archive;

use std::{
    num::NonZeroU32,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use axum::{
    RequestExt as _,
    extract::{FromRequestParts, MatchedPath, RawPathParams, Request},
    http::{Method, StatusCode, request::Parts},
    middleware::Next,
    response::Response,
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::{sync::oneshot, time::timeout};

use crate::{
    problem::{Problem, Reason},
    scope::{Client, Credential, Identity},
};
pub use act::{Act, ActPage};
use archive::{Archive, Order};

/// The target of the events that are logged of acts.
const AUDIT: &str = "audit";
/// The maximum number of acts that wait for the disk; further ones are in the program's log only.
const MAX_WAITING: usize = 1024;
/// How long an answer of the disk is waited for.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum length of what an act is about, in characters.
const MAX_ABOUT_LENGTH: usize = 512;
/// How many refused logins are recorded in a minute, from all addresses: nobody can have acts
/// forgotten by guessing.
const MAX_REFUSED_LOGINS: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Where programs send events, which are no acts of people.
const EVENTS: [&str; 2] = ["/in/", "/ping/"];
/// The segments of addresses that name what an act is about, and are not secret.
const NAMES: [&str; 5] = ["host", "delivery", "channel", "incident", "name"];
/// What logging in is called.
const LOG_IN: &str = "log in";

/// The log of acts.
#[derive(Debug, Clone)]
pub struct Acts {
    orders: SyncSender<Order>,
    /// How many were lost, since the disk was too slow.
    lost: Arc<AtomicU64>,
    refused_logins: Arc<DefaultDirectRateLimiter>,
}

impl Acts {
    /// Records acts in a file, of which only this process's user may read: a line of JSON for
    /// each. A file that has become too long is kept once more, with `.1` at the end of its name.
    #[must_use]
    pub fn in_file(path: PathBuf) -> Self {
        Self::start(Some(path))
    }

    /// Records the latest acts in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::start(None)
    }

    fn start(path: Option<PathBuf>) -> Self {
        let (orders, waiting) = sync_channel(MAX_WAITING);
        // A disk that hangs holds up this thread, and nobody who acts.
        let thread = std::thread::Builder::new().name("acts".to_owned());
        let started = thread.spawn(move || Archive::new(path).obey(&waiting));
        if let Err(error) = started {
            tracing::error!("acts are not recorded, as there is no thread for it: {error}");
        }
        Self {
            orders,
            lost: Arc::default(),
            refused_logins: Arc::new(RateLimiter::direct(Quota::per_minute(MAX_REFUSED_LOGINS))),
        }
    }

    /// Records an act, and logs it, without waiting for the disk.
    pub fn record(&self, mut act: Act) {
        act.about = act.about.map(|about| bounded(&about));
        act.by = act.by.map(|by| bounded(&by));
        tracing::info!(
            target: AUDIT,
            by = act.by,
            credential = ?act.credential,
            from = act.from,
            about = ?act.about,
            done = act.done,
            refused = act.refused,
            "{}",
            act.act
        );
        if self.orders.try_send(Order::Append(act)).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(lost, "an act is not recorded: the disk does not answer");
        }
    }

    /// Returns at most `limit` acts before this one, the newest first.
    ///
    /// # Errors
    /// Returns a sentence about a disk that does not answer.
    pub async fn read(&self, before: Option<u64>, limit: usize) -> Result<ActPage, String> {
        let silent = || "the log of acts cannot be read: the disk does not answer".to_owned();
        let (reply, answer) = oneshot::channel();
        let order = Order::Read {
            before,
            limit,
            reply,
        };
        self.orders.try_send(order).map_err(|_| silent())?;
        let answer = timeout(READ_TIMEOUT, answer).await;
        let read = answer.map_err(|_| silent())?.map_err(|_| silent())?;
        read.map_err(|error| format!("the log of acts cannot be read: {error}"))
    }

    /// Waits until what was recorded is written, for a moment at most.
    pub async fn written(&self) {
        // One thread carries out everything in order.
        let _ = timeout(Duration::from_secs(1), self.read(Some(0), 0)).await;
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(MAX_ABOUT_LENGTH).collect()
}

/// What a handler adds to the record of the act that it carries out.
#[derive(Debug, Clone, Default)]
pub struct Acting(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    about: Option<String>,
    by: Option<(String, Option<Credential>)>,
    is_none: bool,
}

impl Acting {
    /// Says what the act is about. It must not be secret.
    pub fn about(&self, what: impl Into<String>) {
        self.noted().about = Some(what.into());
    }

    /// Says who acts, where the request alone does not.
    pub fn by(&self, name: impl Into<String>, credential: Option<Credential>) {
        self.noted().by = Some((name.into(), credential));
    }

    /// Says that nothing is done, such as by a dry run, so that nothing is recorded.
    pub fn is_no_act(&self) {
        self.noted().is_none = true;
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        // The guarded value is consistent between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Records what a request does, if it does anything.
pub(crate) async fn record(acts: Acts, mut request: Request, next: Next) -> Response {
    let Some(verb) = verb(&request) else {
        return next.run(request).await;
    };
    let identity = request.extensions().get::<Identity>();
    let client = request.extensions().get::<Client>();
    let act = Act {
        at_ms: Timestamp::now().as_millisecond(),
        act: verb,
        by: identity.map(|identity| identity.name.clone()),
        credential: identity.map(|identity| identity.credential),
        from: client.and_then(|client| client.ip).map(|ip| ip.to_string()),
        about: about(&mut request).await,
        ..Act::default()
    };
    let acting = Acting::default();
    request.extensions_mut().insert(acting.clone());
    let mut recording = Recording {
        acts,
        act: Some(act),
        acting,
    };
    let response = next.run(request).await;
    recording.end(&response);
    response
}

/// An act that is recorded also if whoever sent the request does not wait for the answer.
struct Recording {
    acts: Acts,
    act: Option<Act>,
    acting: Acting,
}

impl Recording {
    fn end(&mut self, response: &Response) {
        let Some(act) = &mut self.act else {
            return;
        };
        let status = response.status();
        let is_done = status.as_u16() < 400;
        act.done = Some(is_done);
        if is_done {
            return;
        }
        let problem = response.extensions().get::<Problem>();
        let reason = problem.and_then(Problem::reason).map(Reason::name);
        act.refused = Some(match (reason, status) {
            (Some(reason), _) => reason.to_owned(),
            (None, StatusCode::UNAUTHORIZED) => Reason::Unauthenticated.name().to_owned(),
            (None, StatusCode::TOO_MANY_REQUESTS) => Reason::TooManyAttempts.name().to_owned(),
            (None, status) => status.as_str().to_owned(),
        });
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(mut act) = self.act.take() else {
            return;
        };
        let noted = std::mem::take(&mut *self.acting.noted());
        if noted.is_none {
            return;
        }
        if let Some((by, credential)) = noted.by {
            (act.by, act.credential) = (Some(by), credential);
        }
        act.about = noted.about.or(act.about);
        let is_refused_login = act.act == LOG_IN && act.done == Some(false);
        if is_refused_login && self.acts.refused_logins.check().is_err() {
            return;
        }
        self.acts.record(act);
    }
}

/// Returns what a request does; `None` if it only looks, or sends an event.
fn verb(request: &Request) -> Option<String> {
    let method = request.method();
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let pattern = request.extensions().get::<MatchedPath>()?.as_str();
    if EVENTS.iter().any(|events| pattern.starts_with(events)) {
        return None;
    }
    let below = pattern.strip_prefix("/api/v1").unwrap_or(pattern);
    let known = match (method.as_str(), below) {
        ("POST", "/acknowledgements" | "/acknowledge" | "/ack/{link}") => "acknowledge",
        ("DELETE", "/acknowledgements") | ("POST", "/withdraw") => "withdraw",
        ("POST", "/deliveries/{delivery}/retry" | "/deliveries/retry") => "retry",
        ("POST", "/channels/{channel}/check") => "check",
        ("POST", "/channels/{channel}/test") => "test",
        ("POST", "/notifications") => "notify",
        ("PUT" | "POST", "/hosts/{host}/silence") | ("POST", "/silences") => "silence",
        ("DELETE", "/hosts/{host}/silence")
        | ("POST", "/hosts/{host}/end-silence" | "/silences/end") => "end silence",
        ("POST", "/reload" | "/configuration/reload") => "reload",
        ("POST", "/tokens") => "add token",
        ("DELETE", "/tokens/{name}") => "remove token",
        ("POST", "/login") => LOG_IN,
        ("POST", "/logout") => "log out",
        // What is added later is recorded as it is asked for, without what stands in the address.
        (method, pattern) => return Some(format!("{method} {pattern}")),
    };
    Some(known.to_owned())
}

/// What an address may say of an act.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InAddress {
    incident: Option<String>,
}

/// Returns what the address of a request says that an act is about.
async fn about(request: &mut Request) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let named: InAddress = serde_urlencoded::from_str(query).unwrap_or_default();
    if named.incident.is_some() {
        return named.incident;
    }
    let segments = request.extract_parts::<RawPathParams>().await.ok()?;
    let mut segments = segments.iter();
    let found = segments.find(|(name, _)| NAMES.contains(name));
    found.map(|(_, text)| text.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, http::Request as HttpRequest, middleware::from_fn, routing};
    use tower::ServiceExt as _;

    use super::*;

    /// Sends requests through a router that records, and returns the acts, the oldest first.
    async fn recorded(requests: &[(&str, &str)]) -> Vec<Act> {
        let acts = Acts::in_memory();
        let own = acts.clone();
        let fails = async || Problem::new(Reason::NotFound, "nothing is here");
        let names = async |acting: Acting| acting.about("the body's");
        let looks = async |acting: Acting| acting.is_no_act();
        let waits = async || std::future::pending::<()>().await;
        let router = Router::new()
            .route("/api/v1/hosts/{host}/silence", routing::put(async || ()))
            .route(
                "/api/v1/acknowledgements",
                routing::post(names).delete(async || ()),
            )
            .route("/api/v1/notifications", routing::post(looks))
            .route("/api/v1/reload", routing::post(waits))
            .route("/login", routing::post(async || StatusCode::UNAUTHORIZED))
            .route("/later/{secret}", routing::post(fails).get(async || ()))
            .route("/in/{source}", routing::post(async || ()))
            .layer(from_fn(move |request, next| {
                record(own.clone(), request, next)
            }));
        for (method, path) in requests {
            let request = HttpRequest::builder().method(*method).uri(*path);
            let request = request.body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request);
            let _ = timeout(Duration::from_millis(50), answer).await;
        }
        let mut page = acts.read(None, 1000).await.unwrap();
        page.acts.reverse();
        page.acts
    }

    fn facts(act: &Act) -> (&str, Option<&str>, Option<bool>, Option<&str>) {
        let (about, refused) = (act.about.as_deref(), act.refused.as_deref());
        (&act.act, about, act.done, refused)
    }

    #[tokio::test]
    async fn what_changes_something_is_recorded_with_what_it_is_about() {
        let acts = recorded(&[
            ("GET", "/later/x"),
            ("PUT", "/api/v1/hosts/web%2F01/silence"),
            ("DELETE", "/api/v1/acknowledgements?incident=a%2Fb"),
            ("POST", "/api/v1/acknowledgements"),
            ("POST", "/api/v1/notifications"),
            ("POST", "/in/alerts"),
            ("POST", "/nowhere"),
        ])
        .await;
        let acts: Vec<_> = acts.iter().map(facts).collect();
        assert_eq!(
            acts,
            [
                ("silence", Some("web/01"), Some(true), None),
                ("withdraw", Some("a/b"), Some(true), None),
                ("acknowledge", Some("the body's"), Some(true), None),
            ]
        );
    }

    #[tokio::test]
    async fn what_is_refused_is_recorded_and_a_secret_in_an_address_is_not() {
        let acts = recorded(&[("POST", "/later/s3cret?token=s3cret")]).await;
        let refused = ("POST /later/{secret}", None, Some(false), Some("not_found"));
        assert_eq!(acts.iter().map(facts).collect::<Vec<_>>(), [refused]);
        assert!(!serde_json::to_string(&acts).unwrap().contains("s3cret"));
    }

    #[tokio::test]
    async fn an_act_whose_answer_nobody_waits_for_is_recorded() {
        let acts = recorded(&[("POST", "/api/v1/reload")]).await;
        let facts: Vec<_> = acts.iter().map(facts).collect();
        assert_eq!(facts, [("reload", None, None, None)]);
    }

    #[tokio::test]
    async fn guesses_do_not_fill_the_log() {
        let guesses = vec![("POST", "/login"); 100];
        let acts = recorded(&guesses).await;
        assert_eq!(acts.len(), 60);
        let facts = facts(&acts[0]);
        assert_eq!(facts, (LOG_IN, None, Some(false), Some("unauthenticated")));
    }
}
