//! Follows the store's change feed, once for all event streams of this server.
//!
//! While somebody listens, one task asks the store what has changed, and hands each event to all
//! streams. A stream that begins with a cursor, or was too slow, reads from the store by itself
//! until it has caught up. Nothing is done while nobody listens.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use annunciator::{
    Engine,
    store::{
        Acknowledgement, FeedChange, FeedEntry, FeedPage, FeedQuery, IncidentQuery, StoreError,
    },
};
use axum::response::sse;
use futures_util::{Stream, stream};
use jiff::Timestamp;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch},
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::records::DeliveryJson;

/// How often the store is asked, while somebody listens: often enough that a person sees a change
/// at once, and rarely enough that the store does not notice.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The maximum number of changes that are read at once.
const PAGE: u32 = 500;
/// The number of events that a stream may lag behind before it reads from the store again.
const MAX_LAG: usize = 1024;
/// How often a stream says that it is alive, when nothing else happens. Whoever reads it may take
/// twice as long as a sign that the connection is lost.
const TICK: Duration = Duration::from_secs(5);
/// The maximum length of a stream: then the client connects again, and its identity is checked
/// again. A token or a session that was revoked is of no more use after that.
const MAX_LENGTH: Duration = Duration::from_secs(15 * 60);
/// The delay before a client connects again.
const RETRY: Duration = Duration::from_secs(2);
/// The maximum number of streams at once, fewer than the connections that a server accepts, so
/// that there are always some for other requests.
pub(crate) const MAX_STREAMS: usize = 256;

/// The data of an event that says no more than its name: an event without data is none.
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html>
const NOTHING: &str = "{}";

/// Who has taken over an incident now; nobody, if that is none.
#[derive(Debug, Serialize)]
struct AcknowledgementEvent<'a> {
    incident: &'a str,
    acknowledgement: Option<Acknowledgement>,
}

/// An event, as all streams send it.
#[derive(Debug)]
struct Event {
    /// Its number in the store's feed, which is also its cursor; none for what is not stored.
    number: Option<i64>,
    name: &'static str,
    data: String,
}

/// What has changed, for any number of streams. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub(crate) struct Feed(Arc<SharedFeed>);

#[derive(Debug)]
struct SharedFeed {
    engine: Engine,
    /// The changes of the embedding program, which are not in the store.
    program: Option<watch::Receiver<u64>>,
    events: broadcast::Sender<Arc<Event>>,
    /// Whether the task runs.
    is_running: Mutex<bool>,
    permits: Arc<Semaphore>,
}

impl Feed {
    pub(crate) fn new(engine: Engine, program: Option<watch::Receiver<u64>>) -> Self {
        Self(Arc::new(SharedFeed {
            engine,
            program,
            events: broadcast::Sender::new(MAX_LAG),
            is_running: Mutex::new(false),
            permits: Arc::new(Semaphore::new(MAX_STREAMS)),
        }))
    }

    /// Returns the permit of another stream, or `None` if there are too many.
    pub(crate) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.permits).try_acquire_owned().ok()
    }

    /// Returns the events after a cursor, or from now on, until the server drains.
    ///
    /// # Errors
    /// Fails if the store does not answer.
    pub(crate) async fn events(
        &self,
        after: Option<i64>,
        permit: OwnedSemaphorePermit,
        drain: CancellationToken,
    ) -> Result<impl Stream<Item = Result<sse::Event, Infallible>> + use<>, StoreError> {
        // Before the store is read: what comes after that comes by this receiver.
        let receiver = self.0.events.subscribe();
        self.follow().await?;
        // Only where it begins: what there is already, the reader reads.
        let first = self.page(FeedQuery { after, limit: 0 }).await?;
        let cursor = after.unwrap_or(first.cursor);
        let begin = sse::Event::default()
            .retry(RETRY)
            .event("ready")
            .data(NOTHING);
        let reader = StreamReader {
            feed: self.clone(),
            // A client that is cut off before the first change has a cursor, too.
            waiting: VecDeque::from([begin.id(cursor.to_string())]),
            cursor,
            is_behind: true,
            receiver,
            end: Instant::now() + MAX_LENGTH,
            _permit: permit,
        };
        Ok(stream::unfold(reader, move |mut reader| {
            let drain = drain.clone();
            async move {
                let next = drain.run_until_cancelled(reader.next()).await??;
                Some((Ok(next), reader))
            }
        }))
    }

    /// Starts the task, unless it runs. From then on, each change is sent to all receivers.
    async fn follow(&self) -> Result<(), StoreError> {
        if *self.is_running() {
            return Ok(());
        }
        let now = FeedQuery {
            after: None,
            limit: 0,
        };
        let cursor = self.page(now).await?.cursor;
        let mut is_running = self.is_running();
        if !*is_running {
            *is_running = true;
            drop(tokio::spawn(self.clone().run(cursor)));
        }
        Ok(())
    }

    fn is_running(&self) -> std::sync::MutexGuard<'_, bool> {
        let lock = self.0.is_running.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what changes to all receivers, until there are none.
    async fn run(self, mut cursor: i64) {
        let mut program = self.0.program.clone();
        if let Some(program) = &mut program {
            program.mark_unchanged();
        }
        let mut alerts = self.0.engine.alerts();
        loop {
            {
                // Under the lock, so that a stream that begins now finds the task, or starts one.
                let mut is_running = self.is_running();
                if self.0.events.receiver_count() == 0 {
                    *is_running = false;
                    return;
                }
            }
            let mut has_changed = false;
            if let Some(program) = &mut program {
                has_changed = program.has_changed().unwrap_or(false);
                program.mark_unchanged();
            }
            let now = self.0.engine.alerts();
            if has_changed || now != alerts {
                alerts = now;
                self.send(None, "state");
            }
            let query = FeedQuery {
                after: Some(cursor),
                limit: PAGE,
            };
            match self.page(query).await {
                Ok(page) => {
                    let is_last = page.cursor == cursor;
                    cursor = page.cursor;
                    if page.has_gap {
                        self.send(Some(cursor), "reset");
                    }
                    for entry in &page.entries {
                        let event = self.event(entry).await;
                        // Without receivers, the task ends.
                        let _ = self.0.events.send(Arc::new(event));
                    }
                    if !is_last {
                        continue;
                    }
                }
                Err(error) => tracing::debug!("the event streams wait for the store: {error}"),
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Sends an event that says no more than its name.
    fn send(&self, number: Option<i64>, name: &'static str) {
        let event = Event {
            number,
            name,
            data: NOTHING.to_owned(),
        };
        let _ = self.0.events.send(Arc::new(event));
    }

    /// Returns a page of the store's feed, which is empty where nothing is stored.
    async fn page(&self, query: FeedQuery) -> Result<FeedPage, StoreError> {
        match self.0.engine.store() {
            Some(store) => store.feed(query).await,
            None => Ok(FeedPage {
                entries: Vec::new(),
                cursor: query.after.unwrap_or_default(),
                has_gap: false,
            }),
        }
    }

    async fn event(&self, entry: &FeedEntry) -> Event {
        let (name, data) = match &entry.change {
            FeedChange::Delivery(record) => {
                let delivery = DeliveryJson::from((**record).clone());
                ("delivery", serde_json::to_string(&delivery))
            }
            FeedChange::Acknowledgement(incident) => {
                let acknowledgement = self.acknowledgement(incident).await;
                let data = AcknowledgementEvent {
                    incident,
                    acknowledgement,
                };
                ("acknowledgement", serde_json::to_string(&data))
            }
        };
        Event {
            number: Some(entry.number),
            name,
            data: data.unwrap_or_else(|_| NOTHING.to_owned()),
        }
    }

    async fn acknowledgement(&self, incident: &str) -> Option<Acknowledgement> {
        let query = IncidentQuery::one(incident, Timestamp::now().as_millisecond());
        let store = self.0.engine.store()?;
        store.incidents(query).await.ok()?.pop()?.acknowledgement
    }
}

/// The reader of one stream.
#[derive(Debug)]
struct StreamReader {
    feed: Feed,
    /// What is to be sent first.
    waiting: VecDeque<sse::Event>,
    /// The last change that was sent.
    cursor: i64,
    /// Whether it has to read from the store until it has caught up.
    is_behind: bool,
    receiver: broadcast::Receiver<Arc<Event>>,
    end: Instant,
    /// Given back when the stream ends.
    _permit: OwnedSemaphorePermit,
}

impl StreamReader {
    /// Returns the next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<sse::Event> {
        let tick = Instant::now() + TICK;
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return Some(next);
            }
            if self.is_behind {
                self.catch_up().await?;
                continue;
            }
            match timeout_at(tick.min(self.end), self.receiver.recv()).await {
                Ok(Ok(event)) => self.take(&event),
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => self.is_behind = true,
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
                Err(_) if Instant::now() >= self.end => return None,
                Err(_) => return Some(sse::Event::default().event("tick").data(NOTHING)),
            }
        }
    }

    /// Queues an event, unless it was sent before.
    fn take(&mut self, event: &Event) {
        let mut sent = sse::Event::default().event(event.name).data(&event.data);
        if let Some(number) = event.number {
            if number <= self.cursor {
                return;
            }
            self.cursor = number;
            sent = sent.id(number.to_string());
        }
        self.waiting.push_back(sent);
    }

    /// Reads a page from the store. The stream ends if the store does not answer: the client
    /// comes back with its cursor.
    async fn catch_up(&mut self) -> Option<()> {
        let query = FeedQuery {
            after: Some(self.cursor),
            limit: PAGE,
        };
        let page = self.feed.page(query).await.ok()?;
        self.is_behind = page.cursor != self.cursor;
        if page.has_gap {
            self.cursor = page.cursor;
            let reset = sse::Event::default().event("reset").data(NOTHING);
            self.waiting.push_back(reset.id(page.cursor.to_string()));
        }
        for entry in &page.entries {
            let event = self.feed.event(entry).await;
            self.take(&event);
        }
        self.cursor = self.cursor.max(page.cursor);
        Some(())
    }
}
