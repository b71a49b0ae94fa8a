//! Takes another configuration while the monitor runs: whole, or not at all.

use std::sync::PoisonError;

use annunciator::{Config, EngineBuilder, LoadError, StorePlace};
use tokio::sync::Mutex;

use super::{monitor::Monitor, timeline::Reading};
use crate::{
    config::{self, Hosts, MonitorConfig},
    machine::Settings,
};

/// Why another configuration was not taken. The old one is still in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The file cannot be used.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// Its channels cannot be opened.
    #[error(transparent)]
    Channels(#[from] annunciator::StartError),
    /// The monitor is about to end.
    #[error("the monitor is about to end")]
    Ending,
}

/// What a reload has changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Reloaded {
    /// Channels that go on as they were, with their connections.
    pub kept: Vec<String>,
    /// Channels that are new, or whose definition changed.
    pub opened: Vec<String>,
    /// Channels that are gone, or whose definition changed.
    pub closed: Vec<String>,
    /// Channels that cannot deliver, since their plugins are of no use.
    pub disabled: Vec<String>,
    /// Keys that changed and count after the next start only.
    pub after_restart: Vec<&'static str>,
    /// Warnings about the file.
    pub warnings: Vec<String>,
}

/// Takes configurations from one file.
#[derive(Debug)]
pub struct Reloading {
    builder: EngineBuilder,
    /// What the monitor was started with: what of it changed counts after the
    /// next start.
    fixed: Mutex<Fixed>,
    tally: std::sync::Mutex<ReloadTally>,
}

/// How often a configuration was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ReloadTally {
    /// How often it was taken.
    pub taken: u64,
    /// How often it was refused.
    pub refused: u64,
    /// Whether the last one was taken; the one at the start counts too.
    pub last_was_taken: bool,
    /// When one was taken last, in milliseconds since the epoch.
    pub last_taken_ms: i64,
}

#[derive(Debug, PartialEq, Eq)]
struct Fixed {
    listen: Vec<std::net::SocketAddr>,
    state: config::StateFile,
    control: Option<std::path::PathBuf>,
    http: Option<std::net::SocketAddr>,
    deliveries: StorePlace,
}

impl Fixed {
    fn of(monitor: &MonitorConfig, config: &Config) -> Self {
        Self {
            deliveries: config.delivery().store.clone(),
            listen: monitor.listen.clone(),
            state: monitor.state.clone(),
            control: monitor.control.clone(),
            http: monitor.http,
        }
    }

    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let keys = [
            ("monitor.listen", self.listen == other.listen),
            ("monitor.state", self.state == other.state),
            ("monitor.control", self.control == other.control),
            ("monitor.http", self.http == other.http),
            ("delivery.store", self.deliveries == other.deliveries),
        ];
        let changed = keys.into_iter().filter(|(_, same)| !same);
        changed.map(|(key, _)| key).collect()
    }
}

impl Reloading {
    /// `builder` names the file, `started` and `config` are what the monitor was
    /// started with.
    #[must_use]
    pub fn new(builder: EngineBuilder, started: &MonitorConfig, config: &Config) -> Self {
        Self {
            builder,
            fixed: Mutex::new(Fixed::of(started, config)),
            tally: std::sync::Mutex::new(ReloadTally {
                taken: 0,
                refused: 0,
                last_was_taken: true,
                last_taken_ms: Reading::now().wall_ms,
            }),
        }
    }

    /// How often that was done.
    #[must_use]
    pub fn tally(&self) -> ReloadTally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file again and takes what it says. What is known of hosts is
    /// kept, and so are channels that did not change.
    ///
    /// # Errors
    /// [`ReloadError`] when nothing of it was taken.
    pub async fn reload(&self, monitor: &Monitor) -> Result<Reloaded, ReloadError> {
        let outcome = self.take(monitor).await;
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.last_was_taken = outcome.is_ok();
        if outcome.is_ok() {
            tally.taken += 1;
            tally.last_taken_ms = Reading::now().wall_ms;
        } else {
            tally.refused += 1;
        }
        outcome
    }

    async fn take(&self, monitor: &Monitor) -> Result<Reloaded, ReloadError> {
        // One at a time: the later one reads what the file says then.
        let fixed = self.fixed.lock().await;
        let builder = self.builder.clone();
        let loading = tokio::task::spawn_blocking(move || builder.load());
        let loaded = loading.await.map_err(|_| ReloadError::Ending)??;
        let settings = MonitorConfig::of(&loaded.config);
        let warnings = loaded
            .warnings
            .iter()
            .map(|problem| problem.sentence().to_owned());
        let warnings = warnings.collect();
        let channels = monitor.engine().reload(loaded).await?;
        let config = monitor.engine().config();
        let hosts = Hosts::new(&config);
        let after_restart = fixed.differences(&Fixed::of(&settings, &config));
        let machine = Settings {
            sets: hosts.sets.clone(),
            ..settings.settings
        };
        monitor.configure(machine, hosts.settings(&config), settings.keys);
        tracing::info!(
            kept = channels.kept.len(),
            opened = channels.opened.len(),
            closed = channels.closed.len(),
            "the configuration was read again and is in force"
        );
        Ok(Reloaded {
            kept: channels.kept,
            opened: channels.opened,
            closed: channels.closed,
            disabled: channels.disabled,
            after_restart,
            warnings,
        })
    }
}
