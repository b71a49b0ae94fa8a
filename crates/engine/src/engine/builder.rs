//! The builder of an engine: takes what the embedding program decides, then reads the file, loads
//! the plugins and opens the channels.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use annunciator_store::{DeliveryId, MemoryStore, Store};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::{alert_notifier, canary};
use crate::{
    alerts::ActiveAlerts,
    clock::{Clock, SystemClock},
    config::{
        Config, HostKeys, Isolation, LoadOptions, Problems, Section, SectionProblem, Span,
        check_text, peek, place_of, schema_of,
    },
    delivery::describe,
    engine::{
        error::StartError,
        handle::Engine,
        load::{LoadError, Loaded, find_plugins, load},
        open_channels::{Unusable, log_warnings, open_channels, open_once},
        runtime_home::RuntimeHome,
        store_choice::StoreChoice,
    },
    event::Proof,
    plugin::{ChannelType, PluginDir, Pool},
    runtime::Catalog,
    services::Shared,
    worker::WorkerProgram,
};

/// How many proofs may wait to be recorded; they are rare, and come one by one.
const MAX_QUEUED_PROOFS: usize = 1024;

/// Builds an [`Engine`].
#[derive(Debug, Clone)]
#[must_use]
pub struct EngineBuilder {
    file: PathBuf,
    options: LoadOptions,
    worker: Option<WorkerProgram>,
    clock: Arc<dyn Clock>,
    store_choice: StoreChoice,
    notifies_of_alerts: bool,
}

impl Engine {
    /// Returns a builder of an engine for a configuration file.
    pub fn builder(file: impl Into<PathBuf>) -> EngineBuilder {
        EngineBuilder::new(file)
    }
}

impl EngineBuilder {
    fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            options: LoadOptions::default(),
            worker: None,
            clock: Arc::new(SystemClock),
            store_choice: StoreChoice::default(),
            notifies_of_alerts: true,
        }
    }

    /// Adds a folder to look for plugins in, besides those that the file names. Without any, the
    /// executable's folder and the packaged one are used.
    pub fn plugin_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.plugin_dirs.push(PluginDir::named(path));
        self
    }

    /// Declares top-level keys of the file that other parts of the program read, so that there
    /// is no warning about them.
    pub fn known_keys<S: Into<String>>(mut self, keys: impl IntoIterator<Item = S>) -> Self {
        self.options
            .known_keys
            .extend(keys.into_iter().map(Into::into));
        self
    }

    /// Declares keys of hosts that other parts of the program read.
    pub fn known_host_keys<S: Into<String>>(mut self, keys: impl IntoIterator<Item = S>) -> Self {
        self.options
            .known_host_keys
            .extend(keys.into_iter().map(Into::into));
        self
    }

    /// Declares a section of the file that the embedding program reads; it replaces one of the
    /// same name.
    pub fn section(mut self, section: Section) -> Self {
        let sections = &mut self.options.sections;
        sections.retain(|known| known.name != section.name);
        sections.push(section);
        self
    }

    /// Declares keys that hosts may have besides the engine's: the `properties` of a
    /// JSON Schema, and a check of what it can't say, which is called with
    /// what stands below these keys. Hosts that have none of them are not
    /// checked, also not for what the schema requires. A second call
    /// replaces the first.
    pub fn host_keys(
        mut self,
        schema: Json,
        check: impl Fn(&Json) -> Vec<SectionProblem> + Send + Sync + 'static,
    ) -> Self {
        self.options.host_keys = Some(HostKeys::new(schema, check));
        self
    }

    /// Returns the JSON Schema of a file whose channels are of these types, with the declared
    /// sections and host keys.
    #[must_use]
    pub fn document_schema(&self, types: &[ChannelType]) -> Json {
        schema_of(
            types,
            &self.options.sections,
            self.options.host_keys.as_ref(),
        )
    }

    /// Sets the program that is executed as worker processes, for channels with
    /// `delivery.isolation: process`. Without one, such a channel is an error of
    /// the configuration. See [`worker`](crate::worker).
    pub fn worker(mut self, program: WorkerProgram) -> Self {
        self.worker = Some(program);
        self
    }

    /// Sets where plugins run if the file has no `delivery.isolation`. Default: in this process.
    pub fn default_isolation(mut self, isolation: Isolation) -> Self {
        self.options.isolation = isolation;
        self
    }

    /// Sets another clock than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Stores deliveries in this store, whatever the file says. What is accepted is attempted
    /// until it ends, also by another process if this one dies.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store_choice.store = Some(store);
        self
    }

    /// Sets the file in which deliveries are stored if the configuration has no
    /// `delivery.store`. Where this returns `None`, they are stored in memory.
    pub fn default_store(
        mut self,
        place: impl Fn(&Config) -> Option<PathBuf> + Send + Sync + 'static,
    ) -> Self {
        self.store_choice.default = Some(Arc::new(place));
        self
    }

    /// Sets whether people are notified of the engine's own alerts, such as a channel that is
    /// disabled. Default: `true`. A program that lives for one message would notify them with
    /// each. Alerts are logged either way, and [`Engine::alerts`] returns them.
    pub fn notify_of_alerts(mut self, notify: bool) -> Self {
        self.notifies_of_alerts = notify;
        self
    }

    /// Sets whether calls that wait for an outcome also wait for the attempts that are under way
    /// when `delivery.wait` has passed: for a program that ends afterwards, and has to wait for
    /// them anyhow. Default: `false`.
    pub fn await_attempts(mut self, awaits: bool) -> Self {
        self.store_choice.awaits_attempts = awaits;
        self
    }

    /// Returns the path of the configuration file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the plugins that an engine would use, whatever else is wrong with the
    /// file, and even without one. Runs none of them.
    #[must_use]
    pub fn find_plugins(&self) -> Catalog {
        find_plugins(&self.file, &self.options, self.worker.as_ref())
    }

    /// Returns one setting of a section as it was typed, whatever else is wrong with
    /// the file: nothing is checked and no secret is resolved. `None` when it
    /// is not there, or is a list or a mapping.
    ///
    /// # Errors
    /// [`LoadError`] when the file cannot be read, or is no YAML.
    pub fn peek(&self, section: &str, key: &str) -> Result<Option<String>, LoadError> {
        Ok(peek(&self.file, section, key)?)
    }

    /// Returns where one setting of a section stands in the file, whatever else is wrong with
    /// the file; `None` where it is not there.
    #[must_use]
    pub fn place_of(&self, section: &str, key: &str) -> Option<Span> {
        place_of(&self.file, section, key)
    }

    /// Reads and checks everything without opening a channel. Blocks for as
    /// long as files and plugins take to load.
    ///
    /// # Errors
    /// [`LoadError`] with every problem that was found.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        load(&self.file, &self.options, self.worker.as_ref())
    }

    /// Checks a text as if it stood in the file, with plugins that were found
    /// before: for tests that check many.
    ///
    /// # Errors
    /// Every problem, if an error is among them; else the answer has the warnings.
    #[doc(hidden)]
    pub fn check_text(
        &self,
        text: &str,
        plugins: &Catalog,
    ) -> Result<(Config, Problems), Box<Problems>> {
        check_text(plugins, text, &self.options).map_err(Box::new)
    }

    /// Loads the configuration and the plugins, and opens every channel. Runs
    /// on the runtime that it is called in.
    ///
    /// # Errors
    /// [`StartError`] with every problem that was found. A plugin that cannot
    /// be used is none: it disables its channels, whose deliveries wait until it is repaired and
    /// loaded again, for as long as they live.
    #[doc(alias = "setup")]
    pub async fn start(self) -> Result<Engine, StartError> {
        RuntimeHome::here()?;
        let builder = self.clone();
        let loaded = tokio::task::spawn_blocking(move || builder.load())
            .await
            .map_err(|_| StartError::Interrupted)??;
        self.start_with(loaded).await
    }

    /// Opens every channel of a configuration that [`load`](Self::load) gave.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(self, loaded: Loaded) -> Result<Engine, StartError> {
        let runtime_home = RuntimeHome::here()?;
        describe();
        log_warnings(&loaded.warnings);
        let opened = self.store_choice.open(&loaded.config).await?;
        let (shared, proven) = self.shared(&runtime_home, opened.store.clone());
        let configs = loaded.config.channels.iter().map(Arc::clone);
        // A disabled channel is no error: people are notified through the rest.
        let channels = open_channels(configs, &shared, |_| true).await?;
        let engine = Engine::new(runtime_home, loaded, channels, shared, opened, proven);
        drop(tokio::spawn(canary::run(Arc::downgrade(&engine.0))));
        if self.notifies_of_alerts {
            drop(tokio::spawn(alert_notifier::run(Arc::downgrade(&engine.0))));
        }
        Ok(engine)
    }

    /// Opens every channel of a configuration and closes it again; returns those that cannot be
    /// used where this runs, as with a program that is missing. Nothing is delivered, and nothing
    /// stored.
    ///
    /// # Errors
    /// [`StartError::Channels`] for channels without which no engine would start.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = annunciator::Engine::builder("heartbeat.yaml");
    /// let loaded = builder.load()?;
    /// for unusable in builder.open_once(&loaded.config).await? {
    ///     println!("{}: {}", unusable.channel, unusable.detail);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open_once(&self, config: &Config) -> Result<Vec<Unusable>, StartError> {
        let runtime_home = RuntimeHome::here()?;
        let (shared, _) = self.shared(&runtime_home, None);
        open_once(config.channels.iter().map(Arc::clone), &shared).await
    }

    /// Returns what the channels of an engine share, and the receiver of their proofs. The
    /// values of providers are stored in memory where deliveries are not stored.
    fn shared(
        &self,
        runtime_home: &RuntimeHome,
        store: Option<Arc<dyn Store>>,
    ) -> (Shared, Proven) {
        let (proofs, proven) = mpsc::channel(MAX_QUEUED_PROOFS);
        let shared = Shared {
            pool: Pool::new(runtime_home.runtime().clone()),
            http: Arc::default(),
            clock: Arc::clone(&self.clock),
            store: store.unwrap_or_else(|| Arc::<MemoryStore>::default()),
            proofs,
            alerts: Arc::new(ActiveAlerts::new(Arc::clone(&self.clock))),
        };
        (shared, proven)
    }
}

type Proven = mpsc::Receiver<(DeliveryId, Proof)>;
