//! Takes what other programs send to the sources of the configuration, and submits it: the
//! addresses `/in/SOURCE`.
//!
//! What a payload means is decided by `annunciator-ingest`, and who may send by the identity of
//! a request. Here is decided what a sender is answered, so that it sends again what was not
//! accepted, and nothing else.

mod answer;
mod running;
mod sources;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use annunciator::{
    Clock, Engine, NotifyError, Route, SystemClock,
    store::{SqliteFile, StoreError},
};
use annunciator_ingest::{
    Event, Fault, Format, IngestError, Reading, Request, limits::MAX_BODY_SIZE,
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, Uri},
    routing::post,
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics::counter;
use tokio::sync::{Mutex, Notify};

pub use answer::{Taken, TakenError};

use crate::{
    extract::RawBody,
    identity::{SOURCES, Sender},
    problem::{Problem, Reason},
    report,
};
use running::RunningAlerts;
use sources::CurrentSources;

/// The metric that counts events, by source and by what became of them.
const EVENTS: &str = "annunciator_ingest_events_total";
/// The metric that counts what could not be read, by source and reason.
const ERRORS: &str = "annunciator_ingest_errors_total";
/// How many lines about a source's unreadable payloads are logged in a minute: a sender repeats
/// the same mistake each minute or faster.
const MAX_WARNINGS: NonZeroU32 = NonZeroU32::new(1).unwrap();
/// The delay before an alert's end that was not accepted is submitted again.
const RETRY_DELAY: Duration = Duration::from_secs(60);
/// The maximum time between two looks at the clock, which somebody may set.
const MAX_SLEEP: Duration = Duration::from_secs(60);

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
    /// Held while events of alerts are submitted, so that an end by silence and a repetition
    /// do not cross.
    alerts: Mutex<RunningAlerts>,
    /// Says that another end may be the next one.
    changed: Notify,
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
    /// Creates the sources of an engine, with the system's clock. Running alerts are kept in
    /// memory.
    pub fn new(engine: Engine) -> Self {
        Self::of(engine, Arc::new(SystemClock), RunningAlerts::default())
    }

    /// Creates the sources of an engine, with a clock that says when a request has arrived and
    /// an alert has ended. Running alerts are kept in a file.
    ///
    /// # Errors
    /// Fails with [`StoreError`] if the file cannot be used.
    pub async fn open(
        engine: Engine,
        file: Arc<SqliteFile>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let alerts = RunningAlerts::open(file, clock.now_ms()).await?;
        Ok(Self::of(engine, clock, alerts))
    }

    fn of(engine: Engine, clock: Arc<dyn Clock>, alerts: RunningAlerts) -> Self {
        Self(Arc::new(Inner {
            engine,
            clock,
            sources: CurrentSources::default(),
            warnings: RateLimiter::keyed(Quota::per_minute(MAX_WARNINGS)),
            alerts: Mutex::new(alerts),
            changed: Notify::new(),
        }))
    }

    /// Notifies people of the end of alerts that are no longer sent, until the engine is shut
    /// down. The embedding program runs it in a task.
    pub async fn watch(self) {
        while let Ok(due_ms) = self.end_due().await {
            let changed = self.0.changed.notified();
            let Some(due_ms) = due_ms else {
                changed.await;
                continue;
            };
            let ms = due_ms.saturating_sub(self.0.clock.now_ms()).max(0);
            let left = Duration::from_millis(ms.unsigned_abs()).min(MAX_SLEEP);
            tokio::select! {
                () = changed => {}
                () = self.0.clock.sleep(left) => {}
            }
        }
    }

    /// Submits the ends that are due. Returns when the next one is.
    ///
    /// # Errors
    /// Returns [`NotifyError::Closed`] when the engine is shut down; other errors are retried.
    async fn end_due(&self) -> Result<Option<i64>, NotifyError> {
        let now_ms = self.0.clock.now_ms();
        let again_ms = now_ms.saturating_add(RETRY_DELAY.as_millis() as i64);
        let mut alerts = self.0.alerts.lock().await;
        let due = match alerts.due(now_ms).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!("{error}; ends of alerts are late");
                return Ok(Some(again_ms));
            }
        };
        for (incident, mut ended) in due {
            let mut submitted = self.submit(&ended).await;
            if matches!(submitted, Err(NotifyError::UnknownChannel(_))) {
                // The file has changed since the alert began.
                ended.channels.clear();
                submitted = self.submit(&ended).await;
            }
            let recorded = match submitted {
                Err(NotifyError::Closed) => return Err(NotifyError::Closed),
                Err(error) if !report::is_wrong_call(&error) => Err(error),
                Ok(_) | Err(_) => alerts.ended(&incident).await.map_err(NotifyError::from),
            };
            if let Err(error) = recorded {
                tracing::error!("{error}; the end of {incident:?} is submitted again later");
                alerts.put_off(&incident, again_ms);
            }
        }
        Ok(alerts.next_due_ms())
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
    ) -> Result<(Format, Reading), Problem> {
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
            let reading = source
                .read(&request)
                .map(|reading| (source.format(), reading));
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
        if error.fault() == Fault::Mapping {
            let sentence = format!(
                "the source {source} could not read what it was sent: {error}: correct its section in the file"
            );
            self.0.engine.raise_alert(&alert_subject(source), sentence);
        }
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

    /// Submits what was read of a request, counts what came of it, and returns it.
    async fn submit_read(
        &self,
        source: &str,
        format: Format,
        reading: Reading,
    ) -> Result<Taken, Problem> {
        for error in &reading.errors {
            self.note(source, error);
        }
        let mut taken = Taken::of(&reading);
        let count = |outcome: &'static str, events: usize| {
            let labels = [
                ("source", source.to_owned()),
                ("outcome", outcome.to_owned()),
            ];
            counter!(EVENTS, &labels).increment(events as u64);
        };
        let submitted = match format {
            Format::Prometheus => self.submit_alerts(&reading.events, &mut taken).await,
            _ => self.submit_all(reading.events.iter(), &mut taken).await,
        };
        count("accepted", taken.accepted);
        count("repeated", taken.repeated);
        count("skipped", taken.skipped);
        count("refused", taken.refused.len());
        let mut errors = reading.errors.iter();
        match taken.refused.first() {
            Some(refused) => {
                let sentence = format!(
                    "the source {source} was sent what could not be accepted: {refused}: correct its section or the channels in the file"
                );
                self.0.engine.raise_alert(&alert_subject(source), sentence);
            }
            None if submitted.is_ok() && errors.all(|error| error.fault() != Fault::Mapping) => {
                self.0.engine.clear_alert(&alert_subject(source));
            }
            None => {}
        }
        match submitted {
            Ok(()) => taken.checked(),
            // The sender sends all of it again, and what was accepted is known by its key.
            Err(error) => Err(answer::not_accepted(&error, &taken)),
        }
    }

    /// Submits events one after another, so that an incident's end follows its beginning.
    ///
    /// # Errors
    /// Returns the error of the first event that has to be sent again.
    async fn submit_all(
        &self,
        events: impl Iterator<Item = &Event>,
        taken: &mut Taken,
    ) -> Result<(), NotifyError> {
        for event in events {
            self.submit_one(event, taken).await?;
        }
        Ok(())
    }

    /// Submits events of alerts that end by themselves, and records these ends.
    async fn submit_alerts(&self, events: &[Event], taken: &mut Taken) -> Result<(), NotifyError> {
        let mut alerts = self.0.alerts.lock().await;
        let mut recorded = Vec::new();
        let mut submitted = Ok(());
        for event in events {
            submitted = self.submit_one(&alerts.submitted(event), taken).await;
            if submitted.is_err() {
                break;
            }
            recorded.push(event);
        }
        let left_out = alerts.record(&recorded).await?;
        if left_out > 0 {
            tracing::warn!(
                left_out,
                "too many alerts run: the end of some is noticed only if it is sent"
            );
        }
        self.0.changed.notify_one();
        submitted
    }

    async fn submit_one(&self, event: &Event, taken: &mut Taken) -> Result<(), NotifyError> {
        match self.submit(event).await {
            Ok(Submission::Accepted) => taken.accepted += 1,
            Ok(Submission::Repeated) => taken.repeated += 1,
            Err(error) if report::is_wrong_call(&error) => taken.refuse(&error),
            Err(error) => return Err(error),
        }
        Ok(())
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
    let (format, reading) = ingest.read(&source, uri, headers, bytes).await?;
    drop(permit);
    // A task of its own: a sender that vanishes must not leave an alert without its end.
    let submitting =
        tokio::spawn(async move { ingest.submit_read(&source, format, reading).await });
    let submitted = submitting.await.unwrap_or_else(|error| {
        let detail = format!("the events could not be submitted: {error}");
        Err(Problem::new(Reason::Unavailable, detail))
    });
    submitted.map(Json)
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

/// Returns the subject of the alert that a source's mapping does not work.
fn alert_subject(source: &str) -> String {
    format!("ingest/{source}")
}
