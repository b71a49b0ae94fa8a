//! Begins the monitor's work, and ends it.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use annunciator::{Config, Engine};

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
    incidents::IncidentLog,
    machine::{Machine, Settings},
    notify::Forwarder,
    store::{Batch, Location, Writer},
};

/// Why the monitor did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system gives no thread or socket.
    #[error("the system refused what the monitor needs to run: {0}")]
    System(#[from] io::Error),
}

/// A monitor at work.
#[derive(Debug)]
pub struct Running {
    monitor: Arc<Monitor>,
    store: Arc<Writer>,
    intakes: Vec<Intake>,
    ticker: Ticker,
    drain: Duration,
}

/// All that a monitor needs but an engine: it has its addresses and its state,
/// which nobody else has then.
#[derive(Debug)]
pub struct Prepared {
    settings: MonitorConfig,
    sockets: Vec<UdpSocket>,
    restored: Restored,
}

/// Gets at what a monitor needs before there is an engine: another monitor
/// that runs already must not have its deliveries taken away. Problems with the
/// state are no reason not to start: the monitor goes on from memory, and says
/// so.
///
/// # Errors
/// [`StartError`] when heartbeats cannot be taken.
pub fn prepare(
    config: &Config,
    settings: MonitorConfig,
    state: &Location,
) -> Result<Prepared, StartError> {
    // First, so that nobody's state is touched when another one runs already.
    let sockets = bind(&settings.listen)?;
    let hosts = Hosts::new(config);
    let names = hosts.settings(config).map(|(name, _)| name).collect();
    let restored = restore::open(state, names, Reading::now(), restore::OPEN_TIMEOUT)?;
    Ok(Prepared {
        settings,
        sockets,
        restored,
    })
}

/// Starts a monitor over an engine that keeps its deliveries elsewhere; as
/// [`prepare`] and [`Prepared::start`].
///
/// # Errors
/// [`StartError`] when heartbeats cannot be taken.
pub fn start(
    engine: Engine,
    settings: MonitorConfig,
    state: &Location,
    beat: impl Fn() + Send + 'static,
) -> Result<Running, StartError> {
    prepare(&engine.config(), settings, state)?.start(engine, beat)
}

impl Prepared {
    /// The state file, which can keep deliveries too; none where the state is in
    /// memory.
    #[must_use]
    pub fn state_file(&self) -> Option<PathBuf> {
        let store = self.restored.store.as_ref().ok()?;
        store.file().map(PathBuf::from)
    }

    /// Starts the monitor over an engine, on the runtime that this is called
    /// in. `beat` is called every few seconds while all is well, for a watchdog.
    ///
    /// # Errors
    /// [`StartError`] when the system refuses threads.
    pub fn start(
        self,
        engine: Engine,
        beat: impl Fn() + Send + 'static,
    ) -> Result<Running, StartError> {
        let Self {
            settings,
            sockets,
            restored,
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
            ..settings.settings
        };
        let now = Reading::now();
        let machine = Machine::restore(
            machine,
            hosts.settings(&config),
            stored.snapshot,
            timeline.moment(now),
        );
        let store = Arc::new(Writer::start(store)?);
        let last = stored.outbound.last().map_or(0, |outbound| outbound.id);
        let incidents = IncidentLog::restored(stored.incidents, last);
        let forwarder = Forwarder::new(engine.clone(), Arc::clone(&store));
        let monitor = Arc::new(Monitor::new(Parts {
            machine,
            timeline,
            keys: settings.keys,
            engine,
            incidents,
            store: Arc::clone(&store),
            forwarder: forwarder.clone(),
        }));
        for outbound in stored.outbound {
            forwarder.forward(outbound);
        }
        monitor.advance();
        monitor.checkpoint();
        let intakes = sockets
            .into_iter()
            .map(|socket| Intake::start(socket, Arc::clone(&monitor)))
            .collect::<Result<_, _>>()?;
        let ticker = Ticker::start(Arc::clone(&monitor), beat)?;
        Ok(Running {
            monitor,
            store,
            intakes,
            ticker,
            drain: settings.drain,
        })
    }
}

impl Running {
    /// The shared part.
    #[must_use]
    pub fn monitor(&self) -> &Arc<Monitor> {
        &self.monitor
    }

    /// Where heartbeats are taken.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.intakes.iter().map(Intake::address).collect()
    }

    /// Ends it: takes no more heartbeats, waits for messages under way until
    /// the deadline, and writes everything. Answers how many messages were
    /// cut off; they, and those that still waited, are told after the next
    /// start.
    pub async fn stop(self) -> usize {
        let deadline = Instant::now() + self.drain;
        let (intakes, ticker) = (self.intakes, self.ticker);
        // Their ends are waited for.
        let _ = tokio::task::spawn_blocking(move || drop((intakes, ticker))).await;
        let left = deadline.saturating_duration_since(Instant::now());
        self.monitor.forwarder().drain(left).await;
        let left = deadline.saturating_duration_since(Instant::now());
        let drained = self.monitor.engine().shutdown(left).await;
        let _ = self.store.write_durably(Batch::default()).await;
        drained.abandoned
    }
}
