//! Takes what other programs send to the sources of the configuration, and submits it: the
//! addresses `/in/SOURCE`.
//!
//! What a payload means is decided by `annunciator-ingest`, and who may send by the identity of
//! a request. Here is decided what a sender is answered, so that it sends again what was not
//! accepted, and nothing else.

mod answer;
mod sources;

use std::{num::NonZeroU32, sync::Arc};

use annunciator::{Clock, Engine, NotifyError, Route, SystemClock};
use annunciator_ingest::{Event, Fault, IngestError, Reading, Request, limits::MAX_BODY_SIZE};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, Uri},
    routing::post,
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics::counter;

pub use answer::{Taken, TakenError};

use crate::{
    extract::RawBody,
    identity::{SOURCES, Sender},
    problem::{Problem, Reason},
    report,
};
use sources::CurrentSources;

/// The metric that counts events, by source and by what became of them.
const EVENTS: &str = "annunciator_ingest_events_total";
/// The metric that counts what could not be read, by source and reason.
const ERRORS: &str = "annunciator_ingest_errors_total";
/// How many lines about a source's unreadable payloads are logged in a minute: a sender repeats
/// the same mistake each minute or faster.
const MAX_WARNINGS: NonZeroU32 = NonZeroU32::new(1).unwrap();

/// The sources of an engine's configuration, to be served at `/in/SOURCE` by
/// [`Web::ingest`](crate::Web::ingest).
///
/// The configuration must have been loaded with `annunciator_ingest::declare`. A reload of it
/// applies to the next request.
#[derive(Debug, Clone)]
#[must_use]
pub struct Ingest(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    clock: Arc<dyn Clock>,
    sources: CurrentSources,
    /// How often each source may still be logged.
    warnings: DefaultKeyedRateLimiter<String>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Submission {
    /// It was accepted now.
    Accepted,
    /// It was accepted before.
    Repeated,
}

impl Ingest {
    /// Creates the sources of an engine, with the system's clock.
    pub fn new(engine: Engine) -> Self {
        Self::with_clock(engine, Arc::new(SystemClock))
    }

    /// Creates the sources of an engine, with a clock that says when a request has arrived.
    pub fn with_clock(engine: Engine, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            engine,
            clock,
            sources: CurrentSources::default(),
            warnings: RateLimiter::keyed(Quota::per_minute(MAX_WARNINGS)),
        }))
    }

    /// Returns the routes.
    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/in/{source}", post(take))
            .route("/in/{source}/{*path}", post(take))
            .with_state(self)
    }

    /// Reads a request on a thread for work that takes long, since expressions of the file may.
    async fn read(
        &self,
        source: &str,
        uri: Uri,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reading, Problem> {
        let (this, name) = (self.clone(), source.to_owned());
        let reading = tokio::task::spawn_blocking(move || {
            let sources = this.0.sources.of(&this.0.engine.config());
            let source = sources.get(&name).ok_or_else(|| unknown(&name))?;
            let request = Request::new(&body, this.0.clock.now_ms())
                .path(path(&uri))
                .query(uri.query().unwrap_or_default());
            let headers = headers.iter();
            let request = headers.fold(request, |request, (name, value)| {
                request.header(name.as_str(), value.as_bytes())
            });
            let reading = source.read(&request);
            reading.map_err(|error| {
                this.note(&name, &error);
                answer::unreadable(&name, &error)
            })
        });
        reading.await.unwrap_or_else(|error| {
            let detail = format!("the request could not be read: {error}");
            Err(Problem::new(Reason::Unavailable, detail))
        })
    }

    /// Counts what could not be read, and logs it.
    fn note(&self, source: &str, error: &IngestError) {
        let labels = [
            ("source", source.to_owned()),
            ("reason", error.reason().name().to_owned()),
        ];
        counter!(ERRORS, &labels).increment(1);
        if self.0.warnings.check_key(&source.to_owned()).is_err() {
            return;
        }
        let help = match error.fault() {
            Fault::Sender => "correct what it sends, or its format in the file",
            Fault::Mapping => "correct the source's section in the file",
        };
        tracing::warn!(
            source,
            "the source {source} could not read everything: {error}: {help}"
        );
    }

    /// Submits an event to whom it is for.
    async fn submit(&self, event: &Event) -> Result<Submission, NotifyError> {
        let channels: Vec<&str> = event.channels.iter().map(String::as_str).collect();
        let route = match (&*channels, &event.host) {
            ([], Some(host)) => Route::Host(host),
            ([], None) => Route::Defaults,
            (channels, _) => Route::Channels(channels),
        };
        let engine = &self.0.engine;
        let submitted = engine.submit(route, event.notification(), event.key.as_deref());
        match submitted.await {
            Ok(receipt) if receipt.repeated => Ok(Submission::Repeated),
            Ok(_) => Ok(Submission::Accepted),
            // The sender says the same in other words, such as with the value of the moment.
            Err(NotifyError::Conflict { .. }) => Ok(Submission::Repeated),
            Err(error) => Err(error),
        }
    }
}

/// Takes a request to a source.
async fn take(
    State(ingest): State<Ingest>,
    Sender { source, .. }: Sender,
    uri: Uri,
    headers: HeaderMap,
    body: RawBody<MAX_BODY_SIZE>,
) -> Result<Json<Taken>, Problem> {
    let RawBody { bytes, permit } = body;
    let reading = ingest.read(&source, uri, headers, bytes).await?;
    drop(permit);
    for error in &reading.errors {
        ingest.note(&source, error);
    }
    let mut taken = Taken::of(&reading);
    let count = |outcome: &'static str, events: usize| {
        let labels = [("source", source.clone()), ("outcome", outcome.to_owned())];
        counter!(EVENTS, &labels).increment(events as u64);
    };
    let mut refused = None;
    // One after another, so that an incident's end follows its beginning.
    for event in &reading.events {
        match ingest.submit(event).await {
            Ok(Submission::Accepted) => taken.accepted += 1,
            Ok(Submission::Repeated) => taken.repeated += 1,
            Err(error) if report::is_wrong_call(&error) => taken.refuse(&error),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    count("accepted", taken.accepted);
    count("repeated", taken.repeated);
    count("skipped", taken.skipped);
    match refused {
        // The sender sends all of it again, and what was accepted is known by its key.
        Some(error) => Err(answer::not_accepted(&error, &taken)),
        None => taken.checked().map(Json),
    }
}

fn unknown(source: &str) -> Problem {
    let detail = format!(
        "there is no source `{}`: name it in the section `ingest` of the configuration",
        source.escape_debug()
    );
    Problem::new(Reason::NotFound, detail)
}

/// Returns what follows the source's name in an address.
fn path(uri: &Uri) -> &str {
    let below = uri.path().strip_prefix(SOURCES).unwrap_or_default();
    below.split_once('/').map_or("", |(_, path)| path)
}
