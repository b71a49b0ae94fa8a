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
    core::{Core, Parts},
    intake::Intake,
    opening::{self, Opened},
    pulse::Pulse,
    socket::{BindError, bind},
    timeline::Reading,
};
use crate::{
    config::{Hosts, Monitor},
    machine::{Machine, Settings},
    store::{Batch, Location, Writer},
    tell::{Ledger, Teller},
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
    core: Arc<Core>,
    store: Arc<Writer>,
    intakes: Vec<Intake>,
    pulse: Pulse,
    drain: Duration,
}

/// All that a monitor needs but an engine: it has its addresses and its state,
/// which nobody else has then.
#[derive(Debug)]
pub struct Ready {
    monitor: Monitor,
    sockets: Vec<UdpSocket>,
    opened: Opened,
}

/// Gets at what a monitor needs before there is an engine: another monitor
/// that runs already must not have its deliveries taken away. Problems with the
/// state are no reason not to start: the monitor goes on from memory, and says
/// so.
///
/// # Errors
/// [`StartError`] when heartbeats cannot be taken.
pub fn prepare(config: &Config, monitor: Monitor, state: &Location) -> Result<Ready, StartError> {
    // First, so that nobody's state is touched when another one runs already.
    let sockets = bind(&monitor.listen)?;
    let hosts = Hosts::new(config);
    let names = hosts.settings(config).map(|(name, _)| name).collect();
    let opened = opening::open(state, names, Reading::now(), opening::PATIENCE)?;
    Ok(Ready {
        monitor,
        sockets,
        opened,
    })
}

/// Starts a monitor over an engine that keeps its deliveries elsewhere; as
/// [`prepare`] and [`Ready::start`].
///
/// # Errors
/// [`StartError`] when heartbeats cannot be taken.
pub fn start(
    engine: Engine,
    monitor: Monitor,
    state: &Location,
    beat: impl Fn() + Send + 'static,
) -> Result<Running, StartError> {
    prepare(&engine.config(), monitor, state)?.start(engine, beat)
}

impl Ready {
    /// The state file, which can keep deliveries too; none where the state is in
    /// memory.
    #[must_use]
    pub fn state_file(&self) -> Option<PathBuf> {
        let store = self.opened.store.as_ref().ok()?;
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
            monitor,
            sockets,
            opened,
        } = self;
        let Opened {
            store,
            kept,
            timeline,
        } = opened;
        let config = engine.config();
        let hosts = Hosts::new(&config);
        let settings = Settings {
            sets: hosts.sets.clone(),
            ..monitor.settings
        };
        let now = Reading::now();
        let machine = Machine::restore(
            settings,
            hosts.settings(&config),
            kept.snapshot,
            timeline.moment(now),
        );
        let store = Arc::new(Writer::start(store)?);
        let last = kept.tellings.last().map_or(0, |telling| telling.id);
        let ledger = Ledger::restored(kept.told, last);
        let teller = Teller::new(engine.clone(), Arc::clone(&store));
        let core = Arc::new(Core::new(Parts {
            machine,
            timeline,
            keys: monitor.keys,
            engine,
            ledger,
            store: Arc::clone(&store),
            teller: teller.clone(),
        }));
        for telling in kept.tellings {
            teller.tell(telling);
        }
        core.advance();
        core.checkpoint();
        let intakes = sockets
            .into_iter()
            .map(|socket| Intake::start(socket, Arc::clone(&core)))
            .collect::<Result<_, _>>()?;
        let pulse = Pulse::start(Arc::clone(&core), beat)?;
        Ok(Running {
            core,
            store,
            intakes,
            pulse,
            drain: monitor.drain,
        })
    }
}

impl Running {
    /// The shared part.
    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        &self.core
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
        let (intakes, pulse) = (self.intakes, self.pulse);
        // Their ends are waited for.
        let _ = tokio::task::spawn_blocking(move || drop((intakes, pulse))).await;
        let left = deadline.saturating_duration_since(Instant::now());
        self.core.teller().drain(left).await;
        let left = deadline.saturating_duration_since(Instant::now());
        let drained = self.core.engine().shutdown(left).await;
        let _ = self.store.write_durably(Batch::default()).await;
        drained.abandoned
    }
}
