//! An engine with two channels and the servers behind them, for what happens
//! between channels.

use std::sync::Arc;

use annunciator::{
    Engine, EngineBuilder, Report,
    store::{MemoryStore, Store},
};
use annunciator_testkit::{
    hasty::Hasty,
    mattermost::Mattermost,
    pushover::{Pushover, TOKEN, USER},
    rig::Rig,
};

pub struct Pair {
    rig: Rig,
    /// Behind the channel `pager`.
    pub pager: Pushover,
    /// Behind the channel `chat`.
    pub chat: Mattermost,
}

impl Pair {
    pub async fn new() -> Self {
        Self {
            rig: Rig::new(&["annunciator-mattermost", "annunciator-pushover"]).unwrap(),
            pager: Pushover::start().await,
            chat: Mattermost::builder()
                .channel("ops")
                .hook("h1", "ops")
                .start()
                .await,
        }
    }

    /// An engine with this at the end of its configuration, and these options
    /// of `pager`.
    pub async fn engine(&self, pager: &str, rest: &str) -> Engine {
        self.engine_at(Hasty::default(), pager, rest).await
    }

    /// The same, by this clock.
    pub async fn engine_at(&self, clock: Hasty, pager: &str, rest: &str) -> Engine {
        let builder = self.configured(pager, rest).clock(Arc::new(clock));
        let store = Arc::new(MemoryStore::default());
        builder.store(store).start().await.unwrap()
    }

    /// The same with this store.
    pub async fn engine_on(&self, store: Arc<dyn Store>, pager: &str, rest: &str) -> Engine {
        let builder = self.configured(pager, rest);
        let builder = builder.clock(Arc::new(Hasty::default())).store(store);
        builder.start().await.unwrap()
    }

    /// Has an engine take over another configuration.
    pub async fn reload(&self, engine: &Engine, pager: &str, rest: &str) {
        let loaded = self.configured(pager, rest).load().unwrap();
        engine.reload(loaded).await.unwrap();
    }

    fn configured(&self, pager: &str, rest: &str) -> EngineBuilder {
        let yaml = format!(
            "delivery: {{retry: {{attempts: 20, first: 1s, max: 5s}}}}
notification_channels:
  pager:
    type: pushover
    api_url: '{}'
    token: {TOKEN}
    user: {USER}
    {pager}
  chat: {{type: mattermost, host: '{}', token: h1, channel: ops}}
{rest}
",
            self.pager.url(),
            self.chat.url(),
        );
        self.rig.configured(&yaml).unwrap()
    }

    /// What the chat was told.
    pub fn chat(&self) -> Vec<String> {
        let posts = self.chat.messages().into_iter();
        posts
            .map(|post| {
                let text = &post.attachments()[0]["text"];
                text.as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// What the pager was told.
    pub fn pager(&self) -> Vec<String> {
        let messages = self.pager.messages().into_iter();
        messages.map(|message| message.text().to_owned()).collect()
    }
}

/// The channels that were delivered.
pub fn delivered(report: &Report) -> Vec<&str> {
    let results = report.results().iter();
    let delivered = results.filter(|(_, delivered)| **delivered);
    delivered.map(|(name, _)| &**name).collect()
}
