//! Follows the store's change feed, once for all event streams of this server.
//!
//! While somebody listens, one task asks the store four times a second what has changed, writes
//! the events once, and hands the same bytes to all streams. In a storm of notifications, streams
//! are late rather than deliveries. A stream that begins with a cursor, or was too slow, reads from
//! the store by itself until it has caught up. Nothing is done while nobody listens.

use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use annunciator::{
    Engine,
    store::{
        Acknowledgement, FeedChange, FeedEntry, FeedPage, FeedQuery, IncidentQuery, StoreError,
    },
};
use axum::body::Bytes;
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
/// The maximum number of changes that are read at once. With the interval, this is what streams
/// cost at most: 2,000 changes a second, each of some 600 bytes to each stream.
const PAGE: u32 = 500;
/// The number of batches that a stream may lag behind before it reads from the store again: four
/// seconds.
const MAX_LAG: usize = 16;
/// How often a stream says that it is alive, when nothing else happens. Whoever reads it may take
/// twice as long as a sign that the connection is lost.
const TICK: Duration = Duration::from_secs(5);
/// The maximum length of a stream: then the client connects again, and its identity is checked
/// again. A token or a session that was revoked is of no more use after that.
const MAX_LENGTH: Duration = Duration::from_secs(15 * 60);
/// The delay before a client connects again.
const RETRY_MS: u32 = 2000;
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

/// Events, as all streams send them.
#[derive(Debug, Clone)]
struct Batch {
    /// The cursor after which they follow, and that of the last; none for what is not stored.
    span: Option<(i64, i64)>,
    bytes: Bytes,
    /// Where each event begins, by its number.
    begins: Arc<[(i64, usize)]>,
}

impl Batch {
    /// Returns the events after a cursor.
    fn after(&self, cursor: i64) -> Bytes {
        let seen = self.begins.partition_point(|(number, _)| *number <= cursor);
        match self.begins.get(seen) {
            Some((_, begin)) => self.bytes.slice(begin..),
            None => Bytes::new(),
        }
    }
}

/// Writes events.
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
#[derive(Debug, Default)]
struct EventWriter {
    text: String,
    /// Where each event with a number begins.
    begins: Vec<(i64, usize)>,
}

impl EventWriter {
    /// Writes an event. `data` has no line breaks.
    fn event(&mut self, number: Option<i64>, name: &str, data: &str) {
        // Writing to a string cannot fail.
        if let Some(number) = number {
            self.begins.push((number, self.text.len()));
            let _ = writeln!(self.text, "id: {number}");
        }
        let _ = write!(self.text, "event: {name}\ndata: {data}\n\n");
    }

    /// Writes an event that says no more than its name.
    fn bare(number: Option<i64>, name: &str) -> Self {
        let mut written = Self::default();
        written.event(number, name, NOTHING);
        written
    }

    fn bytes(self) -> Bytes {
        self.text.into()
    }
}

/// What has changed, for any number of streams. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub(crate) struct Feed(Arc<SharedFeed>);

#[derive(Debug)]
struct SharedFeed {
    engine: Engine,
    /// The changes of the embedding program, which are not in the store.
    program: Option<watch::Receiver<u64>>,
    batches: broadcast::Sender<Batch>,
    /// Whether the task runs.
    is_running: Mutex<bool>,
    permits: Arc<Semaphore>,
}

impl Feed {
    pub(crate) fn new(engine: Engine, program: Option<watch::Receiver<u64>>) -> Self {
        Self(Arc::new(SharedFeed {
            engine,
            program,
            batches: broadcast::Sender::new(MAX_LAG),
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
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + use<>, StoreError> {
        // Before the store is read: what comes after that comes by this receiver.
        let receiver = self.0.batches.subscribe();
        self.follow().await?;
        // Only where it begins: what there is already, the reader reads.
        let first = self.page(FeedQuery { after, limit: 0 }).await?;
        let cursor = after.unwrap_or(first.cursor);
        // A client that is cut off before the first change has a cursor, too.
        let mut begin = EventWriter {
            text: format!("retry: {RETRY_MS}\n"),
            ..EventWriter::default()
        };
        begin.event(Some(cursor), "ready", NOTHING);
        let reader = StreamReader {
            feed: self.clone(),
            waiting: VecDeque::from([begin.bytes()]),
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
                if self.0.batches.receiver_count() == 0 {
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
                self.send(None, EventWriter::bare(None, "state"));
            }
            let query = FeedQuery {
                after: Some(cursor),
                limit: PAGE,
            };
            match self.page(query).await {
                Ok(page) => {
                    // Of a gap, the streams hear from the store, each by its own cursor.
                    let after = if page.has_gap { page.cursor } else { cursor };
                    if page.cursor != cursor {
                        let written = self.write(&page.entries).await;
                        self.send(Some((after, page.cursor)), written);
                    }
                    cursor = page.cursor;
                }
                Err(error) => tracing::debug!("the event streams wait for the store: {error}"),
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    fn send(&self, span: Option<(i64, i64)>, written: EventWriter) {
        let batch = Batch {
            span,
            begins: written.begins.as_slice().into(),
            bytes: written.bytes(),
        };
        // Without receivers, the task ends.
        let _ = self.0.batches.send(batch);
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

    /// Writes the events of changes.
    async fn write(&self, entries: &[FeedEntry]) -> EventWriter {
        let mut written = EventWriter::default();
        for entry in entries {
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
            let data = data.unwrap_or_else(|_| NOTHING.to_owned());
            written.event(Some(entry.number), name, &data);
        }
        written
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
    waiting: VecDeque<Bytes>,
    /// The last change that was sent.
    cursor: i64,
    /// Whether it has to read from the store until it has caught up.
    is_behind: bool,
    receiver: broadcast::Receiver<Batch>,
    end: Instant,
    /// Given back when the stream ends.
    _permit: OwnedSemaphorePermit,
}

impl StreamReader {
    /// Returns the next events, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
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
                Ok(Ok(batch)) => self.take(batch),
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => self.is_behind = true,
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
                Err(_) if Instant::now() >= self.end => return None,
                Err(_) => return Some(EventWriter::bare(None, "tick").bytes()),
            }
        }
    }

    /// Queues events, unless they were sent before. What does not follow what was sent is read from
    /// the store.
    fn take(&mut self, batch: Batch) {
        let bytes = match batch.span {
            None => batch.bytes,
            Some((after, _)) if after > self.cursor => {
                self.is_behind = true;
                return;
            }
            Some((_, last)) => {
                // Of what it has read by itself, it has some already.
                let bytes = batch.after(self.cursor);
                self.cursor = self.cursor.max(last);
                bytes
            }
        };
        if !bytes.is_empty() {
            self.waiting.push_back(bytes);
        }
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
            let reset = EventWriter::bare(Some(page.cursor), "reset");
            self.waiting.push_back(reset.bytes());
        }
        if !page.entries.is_empty() {
            let written = self.feed.write(&page.entries).await;
            self.waiting.push_back(written.bytes());
        }
        self.cursor = page.cursor;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_batch_a_stream_sends_what_it_has_not_read_by_itself() {
        let mut written = EventWriter::default();
        for (number, data) in [(3, "a"), (5, "b"), (6, "c")] {
            written.event(Some(number), "x", data);
        }
        let batch = Batch {
            span: Some((2, 7)),
            begins: written.begins.as_slice().into(),
            bytes: written.bytes(),
        };
        let count = |cursor| {
            let bytes = batch.after(cursor);
            let text = str::from_utf8(&bytes).unwrap().to_owned();
            assert!(text.is_empty() || text.starts_with("id: "), "{text}");
            text.matches("data: ").count()
        };
        assert_eq!([2, 3, 4, 5, 6, 7].map(count), [3, 2, 2, 1, 0, 0]);
    }
}
