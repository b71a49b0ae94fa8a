//! Replaces the configuration of a running engine: decides which channels stay, open and close, and
//! in which order, so that no notification is lost.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    alerts::{ChannelProblem, Subject},
    config::{ChannelConfig, Isolation},
    delivery::Channel,
    engine::{
        current::Snapshot,
        error::StartError,
        handle::{Engine, Inner},
        load::Loaded,
        open_channels::{close_channels, log_warnings, open_channels, update_disabled_alerts},
        runtime_home::Misplaced,
    },
    router::Router,
};

/// The result of a [reload](Engine::reload), by the names of channels. A channel whose definition
/// changed is in both `opened` and `closed`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reloaded {
    /// The channels that are unchanged and keep their connections.
    pub kept: Vec<String>,
    /// The channels that are new or changed.
    pub opened: Vec<String>,
    /// The channels that are removed or changed. Each finishes the deliveries that are under way,
    /// and closes.
    pub closed: Vec<String>,
    /// The channels of the new configuration that are disabled, and so cannot deliver.
    pub disabled: Vec<String>,
}

impl Engine {
    /// Replaces the configuration, completely or not at all.
    ///
    /// A channel whose definition is unchanged (name, type, settings with what they refer to,
    /// options and plugin) keeps its connections. The other channels are opened first. If one of
    /// them fails in a way that would also prevent a start, they are closed again, and the old
    /// configuration stays in force. Otherwise, every later notification uses the new
    /// configuration. Deliveries that are under way end on the channel on which they began, which
    /// is then closed. The call does not wait for that; [`shutdown`](Self::shutdown) does.
    ///
    /// A plugin whose file was replaced is loaded in addition to the old one, and its channels
    /// count as changed. A plugin whose file cannot be used any more stays in use. A changed
    /// channel starts without the values that its plugin has stored, and files that its settings
    /// name are read when the channel opens.
    ///
    /// Concurrent reloads run one after the other. A reload goes on if the returned future is
    /// dropped.
    ///
    /// # Errors
    /// [`StartError`] as at the start, and also when the engine is shut down or the configuration
    /// is from another file than the engine's.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(builder: annunciator::EngineBuilder, engine: &annunciator::Engine)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// // On a thread that may block: files and plugins are read.
    /// let loaded = tokio::task::spawn_blocking(move || builder.load()).await??;
    /// let reloaded = engine.reload(loaded).await?;
    /// println!("opened {:?}, closed {:?}", reloaded.opened, reloaded.closed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reload(&self, loaded: Loaded) -> Result<Reloaded, StartError> {
        // A task of its own, so that a reload is completed even if the caller stops waiting.
        let inner = Arc::clone(&self.0);
        let runtime_home = &self.0.runtime_home;
        runtime_home.check()?;
        runtime_home.check_driven().await?;
        let reloading = async move { inner.reload(loaded).await };
        let reloading = runtime_home.runtime().spawn(reloading);
        reloading.await.map_err(|error| Misplaced::of(&error))?
    }
}

impl Inner {
    async fn reload(&self, mut loaded: Loaded) -> Result<Reloaded, StartError> {
        let _lock = self.reloading.lock().await;
        // A shutdown closes `deliveries` first, and then waits for this lock.
        if self.deliveries.is_closed() {
            return Err(StartError::Closed);
        }
        if loaded.warnings.file() != self.file {
            return Err(StartError::OtherFile {
                engine: self.file.clone(),
                loaded: loaded.warnings.file().to_owned(),
            });
        }
        log_warnings(&loaded.warnings);
        let old = self.current.snapshot();
        let configs = &mut loaded.config.channels;
        let mut running: Vec<Option<Arc<Channel>>> = configs
            .iter()
            .map(|config| old.router.unchanged(&old.config, config).cloned())
            .collect();
        let missing = configs.iter().zip(&running);
        let missing = missing.filter(|(_, kept)| kept.is_none());
        let missing: Vec<_> = missing.map(|(config, _)| Arc::clone(config)).collect();
        // A channel that works is kept rather than replaced by one that does not.
        let is_disabled = |config: &ChannelConfig| {
            let before = old.router.channel(&old.config, config.name());
            before.is_some_and(|channel| channel.provider().is_err())
        };
        let opened = open_channels(missing, &self.shared, is_disabled).await?;
        if self.deliveries.is_closed() {
            close_channels(&opened).await;
            return Err(StartError::Closed);
        }
        let kept: Vec<_> = running.iter().flatten().cloned().collect();
        let gone: Vec<_> = old
            .router
            .all()
            .iter()
            .filter(|channel| !kept.iter().any(|kept| Arc::ptr_eq(kept, channel)))
            .cloned()
            .collect();
        let mut reloaded = Reloaded {
            kept: names(&kept),
            opened: names(&opened),
            closed: names(&gone),
            disabled: Vec::new(),
        };
        let gaps = running.iter_mut().filter(|channel| channel.is_none());
        for (gap, channel) in gaps.zip(opened) {
            *gap = Some(channel);
        }
        let channels: Vec<_> = running.into_iter().flatten().collect();
        for (config, channel) in configs.iter_mut().zip(&channels) {
            // The definitions are equal, so that one copy is enough.
            *config = channel.definition();
        }
        drop(old);
        // The alert is cleared when the channel is seen to work.
        for channel in channels
            .iter()
            .filter(|channel| !kept.iter().any(|kept| Arc::ptr_eq(kept, channel)))
        {
            let name = Arc::clone(&channel.definition().name);
            if self
                .alerts
                .is_active(&Subject::Channel(name, ChannelProblem::CircuitOpen))
            {
                channel.breaker.mark_suspect(self.shared.clock.steady_ms());
            }
        }
        let checked: Vec<_> = { channels.iter() }
            .map(|channel| channel.definition())
            .collect();
        self.alerts.retain(|subject| match subject {
            Subject::Channel(name, problem) => checked.iter().any(|one| {
                let is_seen_to = match problem {
                    ChannelProblem::Check => one.options().canary.is_some(),
                    ChannelProblem::Crashes => one.options().isolation == Isolation::Process,
                    ChannelProblem::CircuitOpen
                    | ChannelProblem::Quota
                    | ChannelProblem::Disabled => true,
                };
                one.name == *name && is_seen_to
            }),
            Subject::Store | Subject::StartedWithout | Subject::Program(_) => true,
        });
        let all = channels.clone();
        let disabled = all.iter().filter(|channel| channel.provider().is_err());
        reloaded.disabled = disabled
            .map(|channel| channel.config().name().to_owned())
            .collect();
        self.current.replace(Snapshot {
            config: Arc::new(loaded.config),
            catalog: Arc::new(loaded.catalog),
            router: Router::new(channels),
        });
        // After the replacement, because a repaired channel can deliver the notification itself.
        update_disabled_alerts(&all, &self.alerts);
        self.reloaded.notify_one();
        if let Some(outbox) = &self.outbox {
            // Deliveries may wait for a new channel.
            outbox.wake();
        }
        // From here on, no task takes a removed channel.
        for channel in gone {
            self.closing.spawn(async move { channel.retire().await });
        }
        let (kept, opened, closed) = (&reloaded.kept, &reloaded.opened, &reloaded.closed);
        tracing::info!(
            kept = kept.len(),
            ?opened,
            ?closed,
            "reloaded the configuration"
        );
        Ok(reloaded)
    }
}

fn names(channels: &[Arc<Channel>]) -> Vec<String> {
    let names = channels.iter().map(|channel| channel.config().name());
    names.map(str::to_owned).collect()
}
