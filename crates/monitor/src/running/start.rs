//! Starts and stops the monitor.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use annunciator::{
    Config, Engine, StorePlace,
    store::{SqliteFile, SqliteStore, Store, StoreError},
};

use super::{
    intake::Intake,
    monitor::{Monitor, Parts},
    restore::{self, Restored},
    socket::{BindError, bind},
    ticker::Ticker,
    timeline::Reading,
};
use crate::{
    config::{Hosts, MonitorConfig},
    incidents::{AcknowledgeLink, IncidentLog},
    machine::{Machine, Settings},
    notify::{Recorder, Records},
    store::Location,
};

/// An error returned when the monitor cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address to receive heartbeats at cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The operating system refuses a thread or a socket.
    #[error("the system refused what the monitor needs to run: {0}")]
    System(#[from] io::Error),
}

/// A running monitor with its threads.
///
/// Call [`stop`](Self::stop) to end it in order. If it is dropped, it stops receiving and
/// writes its state, but does not wait for messages in flight.
#[derive(Debug)]
pub struct Running {
    monitor: Arc<Monitor>,
    recorder: Recorder,
    intakes: Vec<Intake>,
    ticker: Ticker,
    drain: Duration,
}

/// A monitor that has its sockets and its state, but no engine yet.
#[derive(Debug)]
pub struct Prepared {
    settings: MonitorConfig,
    sockets: Vec<UdpSocket>,
    restored: Restored,
    deliveries: Option<Arc<SqliteStore>>,
    /// The address of the pages that messages link to.
    pages: Option<String>,
    acknowledging: Option<AcknowledgeLink>,
}

/// Binds the monitor's sockets and opens its state, before there is an engine.
///
/// Call it before the engine starts: an engine that was started first could claim
/// deliveries of another monitor that is already running. A state that cannot be opened
/// within 60 s does not prevent the start. The monitor then works from memory, logs the
/// reason, and notifies the default channels.
///
/// # Errors
/// Returns [`StartError`] if heartbeats cannot be received.
pub async fn prepare(
    config: &Config,
    settings: MonitorConfig,
    state: &Location,
) -> Result<Prepared, StartError> {
    // First, so that the state of a monitor that is already running stays untouched.
    let sockets = bind(&settings.listen)?;
    let hosts = Hosts::new(config);
    let names = hosts.settings(config).map(|(name, _)| name).collect();
    let restored = restore::open(state, names, Reading::now(), restore::OPEN_TIMEOUT).await;
    Ok(Prepared {
        settings,
        sockets,
        restored,
        deliveries: None,
        pages: None,
        acknowledging: None,
    })
}

/// Starts a monitor over an engine that stores its deliveries elsewhere.
///
/// This is [`prepare`] and [`Prepared::start`] in one step.
///
/// # Errors
/// Returns [`StartError`] if heartbeats cannot be received.
pub async fn start(
    engine: Engine,
    settings: MonitorConfig,
    state: &Location,
    beat: impl Fn() + Send + 'static,
) -> Result<Running, StartError> {
    let prepared = prepare(&engine.config(), settings, state).await?;
    prepared.start(engine, beat)
}

impl Prepared {
    /// Returns the state file as a store for the engine's deliveries, so that a state
    /// change and the notifications that follow from it are recorded in one transaction.
    ///
    /// Returns `None` if the configuration names another place as `delivery.store`, or if
    /// the state is in memory.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the file cannot store deliveries, or cannot be opened for them
    /// within 60 s.
    pub async fn deliveries(
        &mut self,
        config: &Config,
    ) -> Result<Option<Arc<dyn Store>>, StoreError> {
        let Ok(state) = &self.restored.store else {
            return Ok(None);
        };
        let is_same = match (&config.delivery().store, state.file().path()) {
            (StorePlace::Unset, Some(_)) => true,
            (StorePlace::File(other), Some(path)) => is_same_file(other, path),
            _ => false,
        };
        if !is_same {
            return Ok(None);
        }
        let opening = SqliteStore::open_in(Arc::clone(state.file()));
        let opened = tokio::time::timeout(restore::OPEN_TIMEOUT, opening).await;
        let store = Arc::new(opened.unwrap_or(Err(StoreError::Silent(restore::OPEN_TIMEOUT)))?);
        self.deliveries = Some(Arc::clone(&store));
        Ok(Some(store))
    }

    /// Has messages link to pages at an address, which the embedding program serves:
    /// `/deliveries?incident=`, `/hosts/HOST` and `/` below it. Plugins show the link, which is
    /// the attribute `url`.
    #[must_use]
    pub fn linking_to(mut self, pages: Option<String>) -> Self {
        self.pages = pages;
        self
    }

    /// Has messages of problems link to where somebody takes them over, which the embedding program
    /// serves. Plugins show the link, which is the attribute `acknowledge_url`.
    #[must_use]
    pub fn acknowledged_at(mut self, link: Option<AcknowledgeLink>) -> Self {
        self.acknowledging = link;
        self
    }

    /// Returns the database with the state, in which a program may have tables of its own;
    /// `None` if it could not be opened.
    #[must_use]
    pub fn database(&self) -> Option<Arc<SqliteFile>> {
        let store = self.restored.store.as_ref().ok()?;
        Some(Arc::clone(store.file()))
    }

    /// Returns the path of the state file; `None` if the state is in memory.
    #[must_use]
    pub fn state_file(&self) -> Option<PathBuf> {
        let store = self.restored.store.as_ref().ok()?;
        store.file().path().map(PathBuf::from)
    }

    /// Starts the monitor over an engine, on the current tokio runtime.
    ///
    /// `beat` is called every 2 s while all threads work, to feed a watchdog.
    ///
    /// # Errors
    /// Returns [`StartError`] if the operating system refuses threads.
    pub fn start(
        self,
        engine: Engine,
        beat: impl Fn() + Send + 'static,
    ) -> Result<Running, StartError> {
        let Self {
            settings,
            sockets,
            restored,
            deliveries,
            pages,
            acknowledging,
        } = self;
        let Restored {
            store,
            stored,
            timeline,
        } = restored;
        let config = engine.config();
        let hosts = Hosts::new(&config);
        let machine = Settings {
            sets: hosts.sets.clone(),
            schedules: hosts.schedules.clone(),
            ..settings.settings
        };
        let now = Reading::now();
        let machine = Machine::restore(
            machine,
            hosts.settings(&config),
            stored.snapshot,
            timeline.moment(now),
        );
        let last = stored.outbound.last().map_or(0, |outbound| outbound.id);
        let incidents = IncidentLog::restored(stored.incidents, last)
            .linking_to(pages.as_deref())
            .acknowledged_at(acknowledging);
        // The program may have given the engine a different store.
        let deliveries = deliveries.filter(|own| {
            let engines = engine.store();
            engines.is_some_and(|store| std::ptr::addr_eq(Arc::as_ptr(store), Arc::as_ptr(own)))
        });
        let records = Records {
            state: store,
            deliveries,
        };
        let recorder = Recorder::start(engine.clone(), records, stored.outbound);
        let monitor = Arc::new(Monitor::new(Parts {
            machine,
            timeline,
            keys: settings.keys,
            ping_keys: settings.ping_keys,
            engine,
            incidents,
            recorder: recorder.clone(),
        }));
        monitor.advance();
        monitor.checkpoint();
        let intakes = sockets
            .into_iter()
            .map(|socket| Intake::start(socket, Arc::clone(&monitor)))
            .collect::<Result<_, _>>()?;
        let ticker = Ticker::start(Arc::clone(&monitor), beat)?;
        Ok(Running {
            monitor,
            recorder,
            intakes,
            ticker,
            drain: settings.drain,
        })
    }
}

impl Running {
    /// Returns the monitor, which threads and tasks share.
    #[must_use]
    pub fn monitor(&self) -> &Arc<Monitor> {
        &self.monitor
    }

    /// Returns the addresses at which heartbeats are received.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.intakes.iter().map(Intake::address).collect()
    }

    /// Stops the monitor and its engine. It receives no further heartbeats, waits for
    /// messages in flight for up to [`MonitorConfig::drain`], and writes the state.
    ///
    /// Returns how many messages were cut off. They are sent after the next start, as are
    /// those that were still waiting.
    pub async fn stop(self) -> usize {
        let deadline = Instant::now() + self.drain;
        let (intakes, ticker) = (self.intakes, self.ticker);
        // Dropping them waits for their threads.
        let _ = tokio::task::spawn_blocking(move || drop((intakes, ticker))).await;
        let left = deadline.saturating_duration_since(Instant::now());
        self.recorder.drain(left).await;
        let left = deadline.saturating_duration_since(Instant::now());
        let drained = self.monitor.engine().shutdown(left).await;
        self.recorder.close().await;
        drained.abandoned
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}
