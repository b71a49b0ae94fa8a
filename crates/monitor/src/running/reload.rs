//! Reloads the configuration of a running monitor, as a whole or not at all.

use std::{borrow::Cow, sync::PoisonError};

use annunciator::{Config, EngineBuilder, LoadError, Problems, StorePlace};
use tokio::sync::Mutex;

use super::{monitor::Monitor, timeline::Reading};
use crate::{
    config::{self, Hosts, MonitorConfig},
    machine::Settings,
};

/// An error returned when a configuration was rejected. The previous one stays in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The file cannot be read, or has problems.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// The channels cannot be opened.
    #[error(transparent)]
    Channels(#[from] annunciator::StartError),
    /// The monitor is shutting down.
    #[error("the monitor is about to end")]
    Ending,
}

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Reloaded {
    /// The channels.
    #[serde(flatten)]
    pub channels: annunciator::Reloaded,
    /// The changed keys of the file that take effect only after a restart.
    pub after_restart: Vec<Cow<'static, str>>,
    /// The warnings about the file.
    pub warnings: Vec<String>,
}

/// A handle that reloads the configuration of a running monitor from its file.
#[derive(Debug)]
pub struct Reloading {
    builder: EngineBuilder,
    /// The settings that take effect only at a start; a reload reports which of them
    /// changed.
    fixed: Mutex<Fixed>,
    tally: std::sync::Mutex<ReloadTally>,
}

/// The counts of reloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ReloadTally {
    /// How many were accepted.
    pub accepted: u64,
    /// How many were rejected.
    pub rejected: u64,
    /// Whether the last one was accepted; the configuration at the start counts.
    pub last_was_accepted: bool,
    /// When a configuration was last accepted, in milliseconds since the Unix epoch.
    pub last_accepted_ms: i64,
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

    fn differences(&self, other: &Self) -> Vec<Cow<'static, str>> {
        let keys = [
            ("monitor.listen", self.listen == other.listen),
            ("monitor.state", self.state == other.state),
            ("monitor.control", self.control == other.control),
            ("monitor.http", self.http == other.http),
            ("delivery.store", self.deliveries == other.deliveries),
        ];
        let changed = keys.into_iter().filter(|(_, same)| !same);
        changed.map(|(key, _)| key.into()).collect()
    }
}

impl Reloading {
    /// Creates a handle from the builder that loaded the file, and from the configuration
    /// that the monitor was started with.
    #[must_use]
    pub fn new(builder: EngineBuilder, started: &MonitorConfig, config: &Config) -> Self {
        Self {
            builder,
            fixed: Mutex::new(Fixed::of(started, config)),
            tally: std::sync::Mutex::new(ReloadTally {
                accepted: 0,
                rejected: 0,
                last_was_accepted: true,
                last_accepted_ms: Reading::now().wall_ms,
            }),
        }
    }

    /// Returns how many reloads were accepted and rejected so far.
    #[must_use]
    pub fn tally(&self) -> ReloadTally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the file as it is now, with the plugins that are in use, and puts nothing into
    /// force. Returns its configuration and the warnings about it.
    ///
    /// # Errors
    /// Returns [`ReloadError`] if the file would be rejected.
    pub async fn check(&self, monitor: &Monitor) -> Result<(Config, Problems), ReloadError> {
        let (builder, plugins) = (self.builder.clone(), monitor.engine().catalog());
        let checking = tokio::task::spawn_blocking(move || builder.check_file(&plugins));
        let checked = checking.await.map_err(|_| ReloadError::Ending)?;
        Ok(checked?)
    }

    /// Reads the file again and puts it into force, as a whole or not at all. Hosts keep
    /// their state, and unchanged channels stay open.
    ///
    /// # Errors
    /// Returns [`ReloadError`] if the file was rejected.
    pub async fn reload(&self, monitor: &Monitor) -> Result<Reloaded, ReloadError> {
        let outcome = self.take(monitor).await;
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.last_was_accepted = outcome.is_ok();
        if outcome.is_ok() {
            tally.accepted += 1;
            tally.last_accepted_ms = Reading::now().wall_ms;
        } else {
            tally.rejected += 1;
        }
        outcome
    }

    async fn take(&self, monitor: &Monitor) -> Result<Reloaded, ReloadError> {
        // One reload at a time: the next reads the file as it is then.
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
            schedules: hosts.schedules.clone(),
            ..settings.settings
        };
        let known = hosts.settings(&config);
        monitor.configure(machine, known, settings.keys, settings.ping_keys);
        tracing::info!(
            kept = channels.kept.len(),
            opened = channels.opened.len(),
            closed = channels.closed.len(),
            "the configuration was read again and is in force"
        );
        Ok(Reloaded {
            channels,
            after_restart,
            warnings,
        })
    }
}
