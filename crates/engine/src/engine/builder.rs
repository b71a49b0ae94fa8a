//! The builder of an engine: takes the choices of the embedding program, reads the file, loads the
//! plugins and opens the channels.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use annunciator_store::{MemoryStore, Store};
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
        load::{LoadError, Loaded, check_file, find_plugins, load},
        open_channels::{Unusable, log_warnings, open_channels, open_once},
        runtime_home::RuntimeHome,
        store_choice::StoreChoice,
    },
    plugin::{ChannelType, Origin, PluginDir, Pool},
    runtime::Catalog,
    services::{Proven, Shared},
    worker::WorkerProgram,
};

/// The maximum number of proofs that wait to be recorded. Proofs are rare and come one at a time.
const MAX_QUEUED_PROOFS: usize = 1024;

/// A builder of an [`Engine`]. [`Engine::builder`] creates one.
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
    /// Returns a builder for an engine that reads this configuration file.
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

    /// Adds a folder in which plugins are searched, besides those that the configuration file
    /// names.
    ///
    /// If no folder is named, plugins are searched in the executable's folder and in the one where
    /// packages install them.
    pub fn plugin_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.plugin_dirs.push(PluginDir {
            path: path.into(),
            origin: Origin::Caller(None),
        });
        self
    }

    /// Adds a folder like [`plugin_dir`](Self::plugin_dir), which a setting of the program names,
    /// such as `--plugin-dir`. A warning about the folder names the setting.
    pub fn plugin_dir_by(mut self, path: impl Into<PathBuf>, setting: &'static str) -> Self {
        self.options.plugin_dirs.push(PluginDir {
            path: path.into(),
            origin: Origin::Caller(Some(setting)),
        });
        self
    }

    /// Declares top-level keys of the configuration file that other parts of the program read, so
    /// that the engine does not warn about them.
    pub fn known_keys<S: Into<String>>(mut self, keys: impl IntoIterator<Item = S>) -> Self {
        self.options
            .known_keys
            .extend(keys.into_iter().map(Into::into));
        self
    }

    /// Declares keys of hosts that other parts of the program read, so that the engine does not
    /// warn about them.
    pub fn known_host_keys<S: Into<String>>(mut self, keys: impl IntoIterator<Item = S>) -> Self {
        self.options
            .known_host_keys
            .extend(keys.into_iter().map(Into::into));
        self
    }

    /// Declares a section of the configuration file that the embedding program reads. It replaces a
    /// section of the same name that was declared before.
    pub fn section(mut self, section: Section) -> Self {
        let sections = &mut self.options.sections;
        sections.retain(|known| known.name != section.name);
        sections.push(section);
        self
    }

    /// Declares keys that hosts may have besides the engine's own. A second call replaces the
    /// first.
    ///
    /// `schema` is a JSON Schema whose `properties` are these keys, and `check` reports what a
    /// schema cannot express; it is called with the values of the keys. Neither is applied to a
    /// host that has none of the keys, even if the schema requires some.
    pub fn host_keys(
        mut self,
        schema: Json,
        check: impl Fn(&Json) -> Vec<SectionProblem> + Send + Sync + 'static,
    ) -> Self {
        self.options.host_keys = Some(HostKeys::new(schema, check));
        self
    }

    /// Returns the JSON Schema of a configuration file whose channels are of these types, including
    /// the declared sections and host keys.
    #[must_use]
    pub fn document_schema(&self, types: &[ChannelType]) -> Json {
        schema_of(
            types,
            &self.options.sections,
            self.options.host_keys.as_ref(),
        )
    }

    /// Sets the program that is executed as worker processes, for channels with
    /// `delivery.isolation: process`.
    ///
    /// Without a program, such a channel is an error of the configuration. See
    /// [`worker`](crate::worker).
    pub fn worker(mut self, program: WorkerProgram) -> Self {
        self.worker = Some(program);
        self
    }

    /// Sets where plugins run if the configuration file has no `delivery.isolation`. The default is
    /// [`Isolation::None`]: in this process.
    pub fn default_isolation(mut self, isolation: Isolation) -> Self {
        self.options.isolation = isolation;
        self
    }

    /// Sets the clock. The default is [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the store of deliveries, whatever the configuration file says.
    ///
    /// An accepted delivery is attempted until it ends, if this process dies also by another
    /// process that uses the store.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store_choice.store = Some(store);
        self
    }

    /// Sets the file in which deliveries are stored if the configuration file has no
    /// `delivery.store`. If the function returns `None`, they are stored in memory.
    pub fn default_store(
        mut self,
        place: impl Fn(&Config) -> Option<PathBuf> + Send + Sync + 'static,
    ) -> Self {
        self.store_choice.default = Some(Arc::new(place));
        self
    }

    /// Sets whether people are notified of the engine's own alerts, such as a disabled channel. The
    /// default is `true`.
    ///
    /// Set `false` in a program that runs for one notification only: it would notify people of the
    /// same alerts each time. Alerts are logged in either case, and [`Engine::alerts`] returns
    /// them.
    pub fn notify_of_alerts(mut self, notify: bool) -> Self {
        self.notifies_of_alerts = notify;
        self
    }

    /// Sets whether a call that waits for an outcome also waits for attempts that are still under
    /// way when `delivery.wait` has passed. The default is `false`.
    ///
    /// Set `true` in a program that ends after the call, and would have to wait for them anyway.
    pub fn await_attempts(mut self, awaits: bool) -> Self {
        self.store_choice.awaits_attempts = awaits;
        self
    }

    /// Returns the path of the configuration file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the plugins that an engine would use. Works with a configuration file that is
    /// invalid or missing, and runs no plugin.
    #[must_use]
    pub fn find_plugins(&self) -> Catalog {
        find_plugins(&self.file, &self.options, self.worker.as_ref())
    }

    /// Returns one value of a section as it was typed, or `None` if it is missing, a list or a
    /// mapping.
    ///
    /// Works with a file that is otherwise invalid: nothing is checked, and no secret is resolved.
    ///
    /// # Errors
    /// [`LoadError`] when the file cannot be read or is not YAML.
    pub fn peek(&self, section: &str, key: &str) -> Result<Option<String>, LoadError> {
        Ok(peek(&self.file, section, key)?)
    }

    /// Returns the place of one value of a section in the file, or `None` if it is missing. Works
    /// with a file that is otherwise invalid.
    #[must_use]
    pub fn place_of(&self, section: &str, key: &str) -> Option<Span> {
        place_of(&self.file, section, key)
    }

    /// Reads and checks the configuration and the plugins without opening a channel. Blocks while
    /// files and plugins are loaded.
    ///
    /// # Errors
    /// [`LoadError`] with the problems that were found.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        load(&self.file, &self.options, self.worker.as_ref())
    }

    /// Checks the file as it is now, with plugins that were found before, such as those of a
    /// running [`Engine::catalog`]. Loads no plugin and changes nothing. The returned problems are
    /// warnings.
    ///
    /// # Errors
    /// [`LoadError`] with the problems that were found.
    pub fn check_file(&self, plugins: &Catalog) -> Result<(Config, Problems), LoadError> {
        check_file(&self.file, &self.options, plugins)
    }

    /// Checks a text as if it were the content of the file, with plugins that were found before.
    /// For tests that check many texts. The returned problems are warnings.
    ///
    /// # Errors
    /// Every problem, if at least one is an error.
    #[doc(hidden)]
    pub fn check_text(
        &self,
        text: &str,
        plugins: &Catalog,
    ) -> Result<(Config, Problems), Box<Problems>> {
        check_text(plugins, text, &self.options).map_err(Box::new)
    }

    /// Loads the configuration and the plugins, opens every channel, and returns the engine. The
    /// engine runs on the tokio runtime in which this is called.
    ///
    /// A plugin that cannot be used is not an error: it disables its channels. Their deliveries
    /// wait until a working plugin is loaded or their time to live has passed.
    ///
    /// # Errors
    /// [`StartError`] with the problems that were found.
    #[doc(alias = "setup")]
    pub async fn start(self) -> Result<Engine, StartError> {
        RuntimeHome::here()?;
        let builder = self.clone();
        let loaded = tokio::task::spawn_blocking(move || builder.load())
            .await
            .map_err(|_| StartError::Interrupted)??;
        self.start_with(loaded).await
    }

    /// Opens every channel of a configuration that [`load`](Self::load) returned, and returns the
    /// engine.
    ///
    /// # Errors
    /// The same as [`start`](Self::start).
    pub async fn start_with(self, loaded: Loaded) -> Result<Engine, StartError> {
        let runtime_home = RuntimeHome::here()?;
        describe();
        log_warnings(&loaded.warnings);
        let opened = self.store_choice.open(&loaded.config).await?;
        let (shared, proven) = self.shared(&runtime_home, opened.store.clone());
        let configs = loaded.config.channels.iter().map(Arc::clone);
        // A disabled channel is not an error: people are notified through the others.
        let channels = open_channels(configs, &shared, |_| true).await?;
        let engine = Engine::new(runtime_home, loaded, channels, shared, opened, proven);
        drop(tokio::spawn(canary::run(Arc::downgrade(&engine.0))));
        if self.notifies_of_alerts {
            drop(tokio::spawn(alert_notifier::run(Arc::downgrade(&engine.0))));
        }
        Ok(engine)
    }

    /// Opens every channel of a configuration and closes it again, and returns the channels that
    /// cannot be used on this machine, for example because a program is missing. Nothing is
    /// delivered or stored.
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

    /// Returns what the channels of an engine share, and the receiver of their proofs. The values
    /// of providers are stored in memory if deliveries are not stored.
    fn shared(
        &self,
        runtime_home: &RuntimeHome,
        store: Option<Arc<dyn Store>>,
    ) -> (Shared, mpsc::Receiver<Proven>) {
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
