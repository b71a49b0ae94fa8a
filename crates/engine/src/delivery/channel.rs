//! An open channel: its definition, its provider, and what bounds its attempts (permits, rate
//! limit, circuit breaker).

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize},
    },
};

use annunciator_core::code;
use annunciator_store::MemoryStore;
use metrics::SharedString;
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    check::LastCheck,
    circuit_breaker::CircuitBreaker,
    metrics::{Presence, label},
    report::Disabled,
    suppression::RateLimit,
};
use crate::{
    config::ChannelConfig,
    line::printable,
    runtime::Instance,
    services::{ChannelServices, ChannelTasks, Shared},
    worker::ProviderContext,
};

/// The maximum number of concurrent attempts of one channel.
pub(super) const MAX_CONCURRENT_ATTEMPTS: usize = 64;

/// An open channel, which accepts notifications.
pub(crate) struct Channel {
    pub(super) config: Arc<ChannelConfig>,
    pub(super) provider: Result<Instance, Disabled>,
    pub(super) attempt_permits: Arc<Semaphore>,
    pub(super) waiting_for_permit: AtomicUsize,
    /// Whether deliveries wait in the store for a permit of this channel.
    pub(super) has_backlog: AtomicBool,
    pub(super) rate_limit: RateLimit,
    pub(crate) breaker: CircuitBreaker,
    pub(super) last_check: Mutex<Option<LastCheck>>,
    tasks: Arc<ChannelTasks>,
    uses: TaskTracker,
    /// The channel's name in metrics.
    pub(super) label: SharedString,
    presence: Presence,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // Breaks the reference cycle: tasks hold the host, and the host holds the tasks.
        self.tasks.end();
    }
}

impl Channel {
    /// Opens the channel. If its provider cannot be opened, the channel is disabled.
    pub(crate) async fn open(config: Arc<ChannelConfig>, shared: &Shared) -> Self {
        Self::open_as(config, shared, false).await
    }

    /// Opens a channel that is not in the configuration.
    pub(crate) async fn open_ad_hoc(config: Arc<ChannelConfig>, shared: &Shared) -> Self {
        Self::open_as(config, shared, true).await
    }

    async fn open_as(config: Arc<ChannelConfig>, shared: &Shared, ad_hoc: bool) -> Self {
        let tasks = ChannelTasks::new();
        let provider = match &config.provider {
            Ok(loaded) => {
                let mut shared = shared.clone();
                if ad_hoc {
                    // Another channel may have the same name.
                    shared.store = Arc::<MemoryStore>::default();
                }
                let context = ProviderContext {
                    pool: shared.pool.clone(),
                    clock: Arc::clone(&shared.clock),
                    alerts: (!ad_hoc).then(|| Arc::clone(&shared.alerts)),
                    label: label(&config.name, ad_hoc),
                };
                let host =
                    ChannelServices::boxed(Arc::clone(&config.name), shared, Arc::clone(&tasks));
                let settings = config.settings.expose_secret();
                Instance::open(loaded, &config.name, settings, host, context)
                    .await
                    .map_err(|error| Disabled {
                        fault: error.fault,
                        detail: match error.detail.as_str() {
                            "" => "the provider could not be opened and gave no reason".to_owned(),
                            // The detail may repeat the value of a setting.
                            detail => printable(detail),
                        },
                        hint: printable(&error.hint),
                    })
            }
            Err(error) => Err(Disabled {
                fault: code::Fault::PLUGIN,
                detail: error.to_string(),
                hint: String::new(),
            }),
        };
        Self {
            label: label(&config.name, ad_hoc),
            presence: Presence::begin(provider.is_ok(), ad_hoc),
            rate_limit: RateLimit::new(config.options.rate_limit, &shared.clock),
            breaker: CircuitBreaker::default(),
            last_check: Mutex::default(),
            config,
            provider,
            attempt_permits: Arc::new(Semaphore::new(MAX_CONCURRENT_ATTEMPTS)),
            waiting_for_permit: AtomicUsize::new(0),
            has_backlog: AtomicBool::new(false),
            tasks,
            uses: TaskTracker::new(),
        }
    }

    pub(crate) fn config(&self) -> &ChannelConfig {
        &self.config
    }

    pub(crate) fn definition(&self) -> Arc<ChannelConfig> {
        Arc::clone(&self.config)
    }

    /// Returns whether the channel can stay open under this definition: the definition is the same,
    /// and the provider is open or cannot be opened again.
    pub(crate) fn is(&self, config: &ChannelConfig) -> bool {
        let opened = self.provider.is_ok() || self.config.provider.is_err();
        opened && self.config.is_same(config)
    }

    pub(crate) fn provider(&self) -> Result<&Instance, &Disabled> {
        self.provider.as_ref()
    }

    /// Closes the provider and ends the tasks that it has spawned.
    pub(crate) async fn close(&self) {
        self.attempt_permits.close();
        if let Ok(instance) = &self.provider {
            instance.close().await;
        }
        self.tasks.end();
        self.presence.end();
    }
    /// Closes the channel when all guards are dropped. No guard may be created after this call.
    pub(crate) async fn retire(&self) {
        self.uses.close();
        self.uses.wait().await;
        self.close().await;
    }
}

/// A guard of a channel in use. While it lives, a reload does not close the channel.
#[derive(Debug, Clone)]
pub(crate) struct ChannelGuard {
    channel: Arc<Channel>,
    _use: TaskTrackerToken,
}

impl ChannelGuard {
    pub(crate) fn new(channel: &Arc<Channel>) -> Self {
        Self {
            channel: Arc::clone(channel),
            _use: channel.uses.token(),
        }
    }

    /// Returns the channel without keeping it open.
    pub(crate) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&self.channel)
    }
}

impl Deref for ChannelGuard {
    type Target = Channel;

    fn deref(&self) -> &Channel {
        &self.channel
    }
}
