//! Begins the monitor's work, and ends it.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use annunciator::Engine;

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

/// Starts a monitor over an engine, on the runtime that this is called in.
/// Problems with the state are no reason not to start: the monitor goes on
/// from memory, and says so. `beat` is called every few seconds while all is
/// well, for a watchdog.
///
/// # Errors
/// [`StartError`] when heartbeats cannot be taken.
pub fn start(
    engine: Engine,
    monitor: Monitor,
    state: &Location,
    beat: impl Fn() + Send + 'static,
) -> Result<Running, StartError> {
    // First, so that nobody's state is touched when another one runs already.
    let sockets = bind(&monitor.listen)?;
    let config = engine.config();
    let hosts = Hosts::new(&config);
    let settings = Settings {
        sets: hosts.sets.clone(),
        ..monitor.settings
    };
    let names = hosts.settings(&config).map(|(name, _)| name).collect();
    let Opened {
        store,
        kept,
        timeline,
    } = opening::open(state, names, Reading::now(), opening::PATIENCE)?;
    let now = Reading::now();
    let machine = Machine::restore(
        settings,
        hosts.settings(&config),
        kept.snapshot,
        timeline.moment(now),
    );
    let store = Arc::new(Writer::start(store)?);
    let ledger = Ledger::restored(kept.told, kept.last_telling);
    let ledger = Arc::new(Mutex::new(ledger));
    let teller = Teller::new(engine.clone(), Arc::clone(&ledger), Arc::clone(&store));
    let core = Arc::new(Core::new(Parts {
        machine,
        timeline,
        keys: monitor.keys,
        engine,
        ledger,
        store: Arc::clone(&store),
        teller: teller.clone(),
    }));
    teller.resume(kept.tellings);
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
        let cut_off = self.core.teller().drain(left).await;
        let left = deadline.saturating_duration_since(Instant::now());
        let _ = self.core.engine().shutdown(left).await;
        let _ = self.store.write_durably(Batch::default()).await;
        cut_off
    }
}
