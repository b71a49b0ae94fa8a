//! Watches the messages of one channel until a person acknowledges them.
//!
//! A daemon reports what its account receives. While there is a message to watch, one task of the
//! channel subscribes to that, and looks for reactions to the messages and for replies that quote
//! them. Messages are stored in the host's store, so that they are watched after a restart, too.
//! Their number and age are bounded.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use annunciator_sdk::{Acknowledgement, Host, HostError, OwnRuntime, Proof};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};

use crate::{
    config::Config,
    incoming::{self, Event, What},
    signs::Signs,
    source::{Source, Subscribed},
};

/// The delay before the daemon is asked again after a failure, which doubles up to the maximum.
const RETRY_DELAY: Duration = Duration::from_secs(5);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(300);

/// The timeout of a call that subscribes.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(30);

/// The interval at which messages that are too old are given up.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// The age after which a message is no longer watched.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The maximum number of messages that are watched; the oldest are given up first.
const MAX_MESSAGES: usize = 128;

/// The maximum size of the list as it is stored, in bytes; the host limits a value to 64 KiB.
const MAX_STORED_SIZE: usize = 60 * 1024;

/// The maximum length of an incident's name as it is stored, in bytes.
const MAX_INCIDENT_LENGTH: usize = 200;

/// How many times a proof that the host does not accept is reported again.
const MAX_REPORTS: usize = 5;

/// The key of the messages that are watched.
const WATCHED: &str = "watched";

/// A message that somebody may acknowledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// When it was sent, in milliseconds since the Unix epoch, which is also its ID.
    pub(crate) sent_at: u64,
    /// The host's reference to the delivery.
    pub(crate) reference: String,
    /// The incident; empty for none.
    pub(crate) incident: String,
    /// When it was sent, in milliseconds since the Unix epoch, by the host's clock.
    pub(crate) posted_ms: i64,
    /// Whether a device has confirmed it already.
    #[serde(default)]
    pub(crate) is_delivered: bool,
}

/// The messages of one channel that are watched.
pub(crate) struct Watch {
    host: Host,
    account: String,
    signs: Signs,
    source: Source,
    /// What the daemon has received, as the connection passes it on.
    incoming: Mutex<mpsc::Receiver<Value>>,
    /// Serializes the changes of the store, and says whether the task runs.
    is_running: Mutex<bool>,
}

/// Why the task stops to listen.
enum Ended {
    /// The connection is gone.
    Lost,
    /// There is nothing to watch.
    Unneeded,
}

impl Watch {
    pub(crate) fn new(
        host: Host,
        config: &Config,
        source: Source,
        incoming: mpsc::Receiver<Value>,
    ) -> Arc<Self> {
        Arc::new(Self {
            host,
            account: config.user.clone(),
            signs: config.signs(),
            source,
            incoming: Mutex::new(incoming),
            is_running: Mutex::new(false),
        })
    }

    /// Begins to watch messages of one delivery.
    pub(crate) async fn begin(self: &Arc<Self>, runtime: &OwnRuntime, messages: Vec<Watched>) {
        let mut is_running = self.is_running.lock().await;
        // Unless the list can be read, writing would lose it.
        let Some(mut all) = self.load().await else {
            return;
        };
        all.extend(messages.into_iter().map(|mut message| {
            message.incident = shortened(&message.incident).to_owned();
            message
        }));
        let surplus = all.len().saturating_sub(MAX_MESSAGES);
        all.drain(..surplus);
        self.store(&mut all).await;
        self.run(runtime, &mut is_running, Duration::ZERO);
    }

    /// Stops watching the messages of an incident, which has ended or was taken over.
    pub(crate) async fn end(&self, incident: &str) {
        let incident = shortened(incident);
        if !incident.is_empty() {
            self.remove(|message| message.incident == incident).await;
        }
    }

    /// Continues to watch what an earlier process watched. The first connection is made a little
    /// later, since a program starts while services are away.
    pub(crate) async fn resume(self: &Arc<Self>, runtime: &OwnRuntime) {
        let mut is_running = self.is_running.lock().await;
        if self.load().await.is_some_and(|all| !all.is_empty()) {
            self.run(runtime, &mut is_running, RETRY_DELAY);
        }
    }

    /// Starts the task, unless it runs.
    fn run(self: &Arc<Self>, runtime: &OwnRuntime, is_running: &mut bool, delay: Duration) {
        if *is_running {
            return;
        }
        match runtime.spawn(Arc::clone(self).listen(delay)) {
            Ok(()) => *is_running = true,
            Err(error) => tracing::warn!("nobody can acknowledge messages: {error}"),
        }
    }

    /// Listens until there is nothing to watch.
    async fn listen(self: Arc<Self>, mut delay: Duration) {
        let mut incoming = self.incoming.lock().await;
        let mut failures: u32 = 0;
        loop {
            if !delay.is_zero() {
                self.host.sleep(delay).await;
            }
            if !self.is_needed().await {
                return;
            }
            let end = Instant::now() + SUBSCRIBE_TIMEOUT;
            match self.source.subscribe(&self.account, end).await {
                Ok(subscription) => {
                    failures = 0;
                    let ended = self.receive(&subscription, &mut incoming).await;
                    if let Ended::Unneeded = ended {
                        let end = Instant::now() + SUBSCRIBE_TIMEOUT;
                        self.source
                            .unsubscribe(&self.account, subscription, end)
                            .await;
                        return;
                    }
                }
                Err(failure) => {
                    tracing::debug!("the daemon cannot be asked what it receives: {failure:?}");
                }
            }
            delay = RETRY_DELAY * 2_u32.saturating_pow(failures.min(8));
            delay = delay.min(MAX_RETRY_DELAY);
            failures = failures.saturating_add(1);
        }
    }

    /// Receives until the connection is gone or there is nothing to watch.
    async fn receive(
        &self,
        subscription: &Subscribed,
        incoming: &mut mpsc::Receiver<Value>,
    ) -> Ended {
        loop {
            tokio::select! {
                parameters = incoming.recv() => {
                    let Some(parameters) = parameters else {
                        return Ended::Lost;
                    };
                    if let Some(event) = incoming::read(&parameters, &self.account) {
                        self.handle(&event).await;
                    }
                }
                () = subscription.ended() => return Ended::Lost,
                () = self.host.sleep(EXPIRY_INTERVAL) => {}
            }
            if !self.is_needed().await {
                return Ended::Unneeded;
            }
        }
    }

    /// Gives up messages that are too old. Returns whether one is left; if none is, the task has
    /// ended with that.
    async fn is_needed(&self) -> bool {
        let mut is_running = self.is_running.lock().await;
        let Some(mut all) = self.load().await else {
            // The store may be readable again later.
            return true;
        };
        let before = all.len();
        let age = i64::try_from(MAX_AGE.as_millis()).unwrap_or(i64::MAX);
        let oldest = self.host.now_ms().saturating_sub(age);
        all.retain(|message| message.posted_ms > oldest);
        if all.len() != before {
            self.store(&mut all).await;
        }
        *is_running = !all.is_empty();
        *is_running
    }

    /// Reports what an event proves of the messages that are watched.
    async fn handle(&self, event: &Event) {
        let all = self.load().await.unwrap_or_default();
        let mut about = all
            .iter()
            .filter(|one| event.sent_at.contains(&one.sent_at));
        let note = match &event.what {
            What::Received => {
                // Each device confirms it, and each person who reads it.
                let new = about.filter(|message| !message.is_delivered);
                let references: BTreeSet<&str> =
                    new.map(|message| message.reference.as_str()).collect();
                for reference in references {
                    self.report(|| self.host.prove(reference, Proof::Delivered))
                        .await;
                    self.mark_delivered(reference).await;
                }
                return;
            }
            What::Reacted(emoji) if self.signs.is_reaction(emoji) => emoji,
            What::Replied(text) if self.signs.is_reply(text) => text,
            What::Reacted(_) | What::Replied(_) => return,
        };
        let Some(message) = about.next_back() else {
            return;
        };
        let acknowledgement = Acknowledgement::default()
            .by(&event.by)
            .at_ms(event.at_ms)
            .note(note);
        self.report(|| self.host.acknowledge(&message.reference, &acknowledgement))
            .await;
        tracing::info!(
            by = event.by,
            incident = message.incident,
            "a message was acknowledged"
        );
        self.remove(|other| match message.incident.is_empty() {
            true => other.reference == message.reference,
            false => other.incident == message.incident,
        })
        .await;
    }

    /// Reports a proof, and does it again if the host does not accept it at the moment: the daemon
    /// says it only once.
    async fn report(&self, prove: impl Fn() -> Result<(), HostError>) {
        for _ in 0..MAX_REPORTS {
            match prove() {
                Ok(()) => return,
                Err(error) => tracing::debug!("the host does not accept the proof: {error}"),
            }
            self.host.sleep(RETRY_DELAY).await;
        }
    }

    async fn mark_delivered(&self, reference: &str) {
        let _one = self.is_running.lock().await;
        let Some(mut all) = self.load().await else {
            return;
        };
        for message in all.iter_mut().filter(|one| one.reference == reference) {
            message.is_delivered = true;
        }
        self.store(&mut all).await;
    }

    async fn remove(&self, is_over: impl Fn(&Watched) -> bool) {
        let _one = self.is_running.lock().await;
        let Some(mut all) = self.load().await else {
            return;
        };
        let before = all.len();
        all.retain(|message| !is_over(message));
        if all.len() != before {
            self.store(&mut all).await;
        }
    }

    /// Returns the messages that are stored, or `None` if the store cannot be read.
    async fn load(&self) -> Option<Vec<Watched>> {
        match self.host.kv_get(WATCHED).await {
            Ok(bytes) => {
                let all = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                Some(all.unwrap_or_default())
            }
            Err(error) => {
                tracing::warn!("the messages to watch could not be read: {error}");
                None
            }
        }
    }

    async fn store(&self, all: &mut Vec<Watched>) {
        let bytes = loop {
            match serde_json::to_vec(all) {
                Ok(bytes) if bytes.len() > MAX_STORED_SIZE => {
                    all.remove(0);
                }
                encoded => break encoded.unwrap_or_default(),
            }
        };
        let stored = match all.is_empty() {
            true => self.host.kv_remove(WATCHED).await,
            false => self.host.kv_put(WATCHED, &bytes).await,
        };
        if let Err(error) = stored {
            tracing::warn!("the messages to watch could not be stored: {error}");
        }
    }
}

fn shortened(incident: &str) -> &str {
    let ends = incident.char_indices().map(|(at, one)| at + one.len_utf8());
    let end = ends.take_while(|end| *end <= MAX_INCIDENT_LENGTH).last();
    end.and_then(|end| incident.get(..end)).unwrap_or_default()
}
