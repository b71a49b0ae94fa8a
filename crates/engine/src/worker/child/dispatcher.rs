//! Dispatches the program's calls to the plugin in a worker. The plugin is loaded at the first call
//! and called with the same guards as in the program.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use annunciator_core::{note::Note, provider::ProviderBox, version::AbiVersion};
use tokio::{runtime::Handle, task::AbortHandle};

use super::{
    super::message::{Answer, Call, Described, Opening, ToHost},
    link::Link,
    remote::Remote,
};
use crate::{
    plugin::{CallError, Calls, ChannelType, InProcess, Offer, Pool, SealedImage, load_given},
    services::ChannelTasks,
};

/// The maximum duration of a call. The program has the actual limits, and ends a worker that
/// exceeds them.
const MAX_CALL_DURATION: Duration = Duration::from_secs(24 * 3600);

/// Calls the plugin.
pub(super) struct Dispatcher {
    plugin: Arc<Plugin>,
    handle: Handle,
    /// The calls under way, by the program's numbers.
    calls: HashMap<u64, AbortHandle>,
}

struct Plugin {
    link: Arc<Link>,
    path: PathBuf,
    note_json: String,
    image: Mutex<Option<SealedImage>>,
    offer: OnceLock<Result<Offer, String>>,
    pool: Pool,
    calls: Calls,
    tasks: Arc<ChannelTasks>,
    provider: Mutex<Option<Arc<ProviderBox>>>,
}

impl Dispatcher {
    pub(super) fn new(
        link: Arc<Link>,
        handle: Handle,
        path: &str,
        note_json: &str,
        image: SealedImage,
    ) -> Self {
        let pool = Pool::new(handle.clone());
        let plugin = Plugin {
            link,
            path: path.into(),
            note_json: note_json.to_owned(),
            image: Mutex::new(Some(image)),
            offer: OnceLock::new(),
            calls: Calls::new("", path, pool.clone()),
            pool,
            tasks: ChannelTasks::new(),
            provider: Mutex::default(),
        };
        Self {
            plugin: Arc::new(plugin),
            handle,
            calls: HashMap::new(),
        }
    }

    /// Starts a call. Its answer is sent when it is available.
    pub(super) fn call(&mut self, id: u64, call: Call) {
        self.calls.retain(|_, call| !call.is_finished());
        let plugin = Arc::clone(&self.plugin);
        let called = self.handle.spawn(async move {
            let ended = Ended {
                link: Arc::clone(&plugin.link),
                id,
                is_answered: false,
            };
            if let Err(why) = plugin.answer(ended, call).await {
                plugin
                    .link
                    .answer(id, Answer::Nothing(why), plugin.calls.file());
            }
        });
        self.calls.insert(id, called.abort_handle());
    }

    /// Drops the future of a call, whatever it is doing.
    pub(super) fn cancel(&mut self, id: u64) {
        if let Some(call) = self.calls.remove(&id) {
            call.abort();
        }
    }
}

/// Reports, when it is dropped, that a call has ended without an answer.
struct Ended {
    link: Arc<Link>,
    id: u64,
    is_answered: bool,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if !self.is_answered {
            let _ = self.link.send(&ToHost::Gone { id: self.id });
        }
    }
}

impl Ended {
    fn answer(mut self, answer: Answer, file: &str) {
        self.is_answered = true;
        self.link.answer(self.id, answer, file);
    }
}

impl Link {
    fn answer(&self, id: u64, answer: Answer, file: &str) {
        if self.send(&ToHost::Answer { id, answer }).is_err() {
            let answer = Answer::Nothing(CallError::TooLong(file.to_owned()));
            let _ = self.send(&ToHost::Answer { id, answer });
        }
    }
}

impl Plugin {
    /// Calls the plugin on its own threads, and answers from there.
    async fn answer(self: &Arc<Self>, ended: Ended, call: Call) -> Result<(), CallError> {
        let plugin = Arc::clone(self);
        let calls = self.calls.clone();
        calls
            .call(MAX_CALL_DURATION, async move {
                let answer = plugin.call(call).await;
                ended.answer(answer, plugin.calls.file());
            })
            .await
    }

    async fn call(&self, call: Call) -> Answer {
        match call {
            Call::Describe => match self.offer() {
                Ok((_, types)) => Answer::Types(types.iter().map(Described::from).collect()),
                Err(sentence) => Answer::NotLoaded(sentence),
            },
            Call::Judge {
                channel_type,
                settings_json,
            } => match self.channel_type(&channel_type) {
                Ok((plugin, about)) => {
                    let verdict = plugin.judge(&about.name, &settings_json);
                    Answer::Judged {
                        problems: verdict.problems,
                        proofs_json: verdict.proofs_json,
                    }
                }
                Err(sentence) => Answer::NotLoaded(sentence),
            },
            Call::Open(opening) => self.open(opening).await,
            Call::Deliver(delivery) => match self.provider() {
                Some(provider) => Answer::Delivered(provider.deliver(delivery).await),
                None => self.closed(),
            },
            Call::Check => match self.provider() {
                Some(provider) => Answer::Checked(provider.check().await),
                None => self.closed(),
            },
            Call::Close => {
                let provider = self.slot().take();
                if let Some(provider) = provider {
                    provider.close().await;
                }
                self.tasks.end();
                Answer::Closed
            }
        }
    }

    async fn open(&self, opening: Opening) -> Answer {
        let (plugin, about) = match self.channel_type(&opening.channel_type) {
            Ok(found) => found,
            Err(sentence) => return Answer::NotLoaded(sentence),
        };
        let (link, tasks) = (Arc::clone(&self.link), Arc::clone(&self.tasks));
        let host = Remote::boxed(link, &opening.channel, self.pool.clone(), tasks);
        let opened = plugin.open(&about.name, &opening.channel, &opening.settings_json, host);
        Answer::Opened(opened.await.map(|provider| {
            *self.slot() = Some(Arc::new(provider));
        }))
    }

    fn closed(&self) -> Answer {
        Answer::Nothing(CallError::Closed(self.calls.file().to_owned()))
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<ProviderBox>>> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn provider(&self) -> Option<Arc<ProviderBox>> {
        self.slot().clone()
    }

    fn channel_type(&self, name: &str) -> Result<(InProcess, &ChannelType), String> {
        let (plugin, types) = self.offer()?;
        let found = types.iter().find(|about| about.name == name);
        let found = found.map(|about| (*plugin, about));
        found.ok_or_else(|| format!("plugin {} offers no {name}", self.path.display()))
    }

    fn offer(&self) -> Result<&Offer, String> {
        let offer = self.offer.get_or_init(|| self.load());
        offer.as_ref().map_err(Clone::clone)
    }

    fn load(&self) -> Result<Offer, String> {
        let mut image = self.image.lock().unwrap_or_else(PoisonError::into_inner);
        let image = image.take().ok_or("the plugin's image is gone")?;
        let note: Note =
            serde_json::from_str(&self.note_json).map_err(|error| error.to_string())?;
        load_given(AbiVersion::CURRENT, &self.path, note, image).map_err(|error| error.to_string())
    }
}
