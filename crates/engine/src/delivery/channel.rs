//! A running channel: its definition and its provider.

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
    limit::Limit,
    meter::{Presence, label},
};
use crate::{
    config::ChannelConfig,
    line::printable,
    runtime::Instance,
    services::{ChannelServices, ChannelTasks, Shared},
    worker::ProviderContext,
};

/// Attempts of one channel that may be under way at once.
const MOST_AT_ONCE: usize = 64;

/// A channel that takes notifications.
pub(crate) struct Channel {
    pub(super) config: Arc<ChannelConfig>,
    pub(super) provider: Result<Instance, Disabled>,
    pub(super) slots: Arc<Semaphore>,
    pub(super) waiting: AtomicUsize,
    /// More waits for it in the store than it could take.
    pub(super) behind: AtomicBool,
    pub(super) limit: Limit,
    pub(crate) breaker: CircuitBreaker,
    tasks: Arc<ChannelTasks>,
    uses: TaskTracker,
    /// Its name in metrics.
    pub(super) label: SharedString,
    presence: Presence,
}

/// Why a channel has no provider.
#[derive(Debug, Clone)]
pub(crate) struct Disabled {
    pub(crate) fault: code::Fault,
    pub(crate) detail: String,
    pub(crate) hint: String,
}

impl Disabled {
    /// Why, for whoever wonders what becomes of a message.
    pub(crate) fn sentence(&self) -> String {
        format!("the channel is disabled: {}", self.detail)
    }
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
        // Tasks hold the host, which holds the tasks: somebody must let go.
        self.tasks.end();
    }
}

impl Channel {
    /// Opens the channel. One whose provider cannot be opened stays, disabled.
    pub(crate) async fn open(config: Arc<ChannelConfig>, shared: &Shared) -> Self {
        Self::open_as(config, shared, false).await
    }

    /// The same for a channel that stands in no configuration.
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
                    troubles: (!ad_hoc).then(|| Arc::clone(&shared.troubles)),
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
            limit: Limit::new(config.options.rate_limit, &shared.clock),
            breaker: CircuitBreaker::default(),
            config,
            provider,
            slots: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            waiting: AtomicUsize::new(0),
            behind: AtomicBool::new(false),
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

    /// Whether a channel of this definition would be the same. One that could
    /// not be opened deserves another try.
    pub(crate) fn is(&self, config: &ChannelConfig) -> bool {
        let opened = self.provider.is_ok() || self.config.provider.is_err();
        opened && self.config.is_same(config)
    }

    pub(crate) fn provider(&self) -> Result<&Instance, &Disabled> {
        self.provider.as_ref()
    }

    /// Closes the provider and ends what it has spawned.
    pub(crate) async fn close(&self) {
        self.slots.close();
        if let Ok(instance) = &self.provider {
            instance.close().await;
        }
        self.tasks.end();
        self.presence.end();
    }
    /// Closes once nobody uses it any more. Nobody may begin to.
    pub(crate) async fn retire(&self) {
        self.uses.close();
        self.uses.wait().await;
        self.close().await;
    }
}

/// A channel in use: while this lives, it doesn't retire.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    channel: Arc<Channel>,
    _use: TaskTrackerToken,
}

impl Held {
    pub(crate) fn new(channel: &Arc<Channel>) -> Self {
        Self {
            channel: Arc::clone(channel),
            _use: channel.uses.token(),
        }
    }

    /// The channel, of which nobody may expect that it stays open.
    pub(crate) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&self.channel)
    }
}

impl Deref for Held {
    type Target = Channel;

    fn deref(&self) -> &Channel {
        &self.channel
    }
}
