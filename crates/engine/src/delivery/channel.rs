//! An open channel: its definition, its provider, and what bounds its attempts (permits, rate
//! limit, circuit breaker).

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
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

/// How many attempts of one channel may be under way at once.
const MAX_CONCURRENT_ATTEMPTS: usize = 64;

/// A channel that takes notifications.
pub(crate) struct Channel {
    pub(super) config: Arc<ChannelConfig>,
    pub(super) provider: Result<Instance, Disabled>,
    pub(super) attempt_permits: Arc<Semaphore>,
    pub(super) waiting_for_permit: AtomicUsize,
    /// Whether deliveries wait in the store for a permit of this channel.
    pub(super) has_backlog: AtomicBool,
    pub(super) rate_limit: RateLimit,
    pub(crate) breaker: CircuitBreaker,
    tasks: Arc<ChannelTasks>,
    uses: TaskTracker,
    /// Its name in metrics.
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
        // Tasks hold the host, which holds the tasks: this breaks the circle.
        self.tasks.end();
    }
}

impl Channel {
    /// Opens the channel. If its provider cannot be opened, the channel is disabled.
    pub(crate) async fn open(config: Arc<ChannelConfig>, shared: &Shared) -> Self {
        Self::open_as(config, shared, false).await
    }

    /// Opens a channel that stands in no configuration.
    pub(crate) async fn open_ad_hoc(config: Arc<ChannelConfig>, shared: &Shared) -> Self {
        Self::open_as(config, shared, true).await
    }

    async fn open_as(config: Arc<ChannelConfig>, shared: &Shared, ad_hoc: bool) -> Self {
        let tasks = ChannelTasks::new();
        let provider = match &config.provider {
            Ok(loaded) => {
                let mut shared = shared.clone();
                if ad_hoc {
                    // Its name may be that of another.
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
                            "" => {
                                "the provider could not be opened, and did not say why".to_owned()
                            }
                            // It may repeat what stands in a setting.
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

    /// Returns whether the channel can go on under this definition: it is the same, and the
    /// provider is open or cannot be opened again.
    pub(crate) fn is(&self, config: &ChannelConfig) -> bool {
        let opened = self.provider.is_ok() || self.config.provider.is_err();
        opened && self.config.is_same(config)
    }

    pub(crate) fn provider(&self) -> Result<&Instance, &Disabled> {
        self.provider.as_ref()
    }

    /// Closes the provider and ends what it has spawned.
    pub(crate) async fn close(&self) {
        self.attempt_permits.close();
        if let Ok(instance) = &self.provider {
            instance.close().await;
        }
        self.tasks.end();
        self.presence.end();
    }
    /// Closes the channel once all guards are dropped. No new guard may be made.
    pub(crate) async fn retire(&self) {
        self.uses.close();
        self.uses.wait().await;
        self.close().await;
    }
}

/// A channel in use: it is not closed by a reload while this lives.
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
