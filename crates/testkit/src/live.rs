//! A running engine with one channel, for a plugin's own tests over real connections.
//!
//! The plugin's library is loaded as a host program loads it, and nothing on the way to the
//! stand-in is replaced.

use std::time::Duration;

pub use annunciator::{
    Check, CheckStatus as Status, Class, Engine, Kind, Notification, Severity, TargetReport,
};

use crate::rig::Rig;

/// The name of the one channel.
pub const CHANNEL: &str = "under_test";

/// How long an engine may take to shut down.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// An engine with one channel.
pub struct Live {
    engine: Engine,
    /// The configuration and the plugin's copy, which are deleted with this value.
    _rig: Rig,
}

impl Live {
    /// Starts an engine with a plugin of this workspace, whose package is `annunciator-` and the
    /// channel type. Otherwise like [`with_plugin`](Self::with_plugin).
    ///
    /// # Errors
    /// Fails with what is wrong with the settings, or with the reason why the plugin cannot be
    /// loaded.
    pub async fn start(settings: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut lines = settings.lines();
        let name = lines.find_map(|line| line.trim().strip_prefix("type:"));
        let package = format!("annunciator-{}", name.unwrap_or_default().trim());
        Self::with_plugin(&package, settings).await
    }

    /// Starts an engine whose one channel has these settings, as YAML lines of which one is
    /// `type: …`. The plugin is the library of a package: the one under test or one of its
    /// dev-dependencies, so that cargo has built it.
    ///
    /// # Errors
    /// Fails with what is wrong with the settings, or with the reason why the plugin cannot be
    /// loaded.
    pub async fn with_plugin(
        package: &str,
        settings: &str,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let rig = Rig::new(&[package])?;
        let indented: String = settings
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect();
        let whole = format!(
            "notification_channels:\n  {CHANNEL}:\n{indented}\
             default_notification_channels: [{CHANNEL}]\n"
        );
        let engine = rig.start(&whole).await?;
        Ok(Self { engine, _rig: rig })
    }

    /// Sends one notification, and returns the report of each target.
    pub async fn send(&self, notification: impl Into<Notification>) -> Vec<TargetReport> {
        match self.engine.notify_default(notification).await {
            Ok(report) => report
                .channels()
                .get(CHANNEL)
                .map(|channel| channel.targets.clone())
                .unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// Sends one notification, and returns the class of each target's outcome.
    pub async fn classes(&self, notification: impl Into<Notification>) -> Vec<Class> {
        let targets = self.send(notification).await;
        targets.into_iter().map(|target| target.class).collect()
    }

    /// Checks the settings against the service; `None` if there is no answer.
    pub async fn check(&self) -> Option<Check> {
        self.engine.check(&[CHANNEL]).await.ok()?.into_iter().next()
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Shuts the engine down; `false` if deliveries were abandoned.
    pub async fn end(self) -> bool {
        self.engine.shutdown(SHUTDOWN_TIMEOUT).await.abandoned == 0
    }
}
