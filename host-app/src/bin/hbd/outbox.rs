//! The store of deliveries for commands. It is found by the configuration, without plugins
//! or secrets, and opened beside the process that delivers from it.

use std::path::{Path, PathBuf};

use annunciator::{
    Config, Notification, NotifyError, Report, Route,
    store::{DeliveryId, Query, Record, SqliteStore, State, Store, StoreError},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Exit,
    arguments::{About, Arguments, Since},
    output::Output,
    problems, setup,
};

/// The number of records that are read at once.
pub(crate) const PAGE: u32 = 1000;

/// The place of the store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this file.
    File(PathBuf),
    /// Not in a file, so that no other process has access.
    NotStored,
}

/// A store with a blocking interface for commands.
pub(crate) struct Outbox {
    store: SqliteStore,
    path: PathBuf,
    runtime: Runtime,
}

impl Place {
    /// Finds the configured store, whatever else is wrong with the configuration: only the
    /// service may be able to read its secrets.
    pub(crate) fn find(arguments: &Arguments, output: &Output) -> Result<Self, Exit> {
        let builder = setup::builder(arguments, output)?;
        let peek = |section, key| {
            builder.peek(section, key).map_err(|error| {
                problems::print_error(&error, output);
                Exit::Wrong
            })
        };
        let said = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let (key, text) = match peek("delivery", "store")? {
            own if said(&own) => ("delivery.store", own),
            _ => ("monitor.state", peek("monitor", "state")?),
        };
        match text.filter(|text| ![":memory:", "none", ""].contains(&text.as_str())) {
            None => Ok(Self::NotStored),
            Some(text) if Path::new(&text).is_absolute() => Ok(Self::File(text.into())),
            Some(text) => {
                output.error(format!(
                    "{key}: `{text}` depends on the folder that the monitor is started in"
                ));
                output.help("write the absolute path, from /");
                Err(Exit::Wrong)
            }
        }
    }
}

impl Outbox {
    /// Opens the configured store; prints the error if that fails.
    pub(crate) fn open(arguments: &Arguments, output: &Output) -> Result<Self, Exit> {
        let Place::File(path) = Place::find(arguments, output)? else {
            output.error("the configuration names no file that keeps deliveries");
            output.help("set `delivery.store`, or `monitor.state`, to the path of a file");
            return Err(Exit::Wrong);
        };
        // A command that only reads does not create the file.
        if !path.exists() {
            let has_folder = path.parent().is_none_or(Path::is_dir);
            let path = path.display();
            if !has_folder {
                output.error(format!(
                    "there are no deliveries: the folder of {path} does not exist"
                ));
                return Err(Exit::Failed);
            }
            output.error(format!(
                "there are no deliveries yet: {path} is created when the first engine starts on it, such as `hbd run`"
            ));
            return Err(Exit::Failed);
        }
        Self::at(path).map_err(|error| failed(&error, output))
    }

    /// Opens an existing store.
    pub(crate) fn at(path: PathBuf) -> Result<Self, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Unusable {
            path: path.clone(),
            action: "opened",
            detail: format!("no runtime can be started for it: {error}"),
        };
        let runtime = Builder::new_current_thread().build().map_err(unusable)?;
        Ok(Self {
            store: SqliteStore::open(&path)?,
            path,
            runtime,
        })
    }

    /// Returns the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Asks the store and waits for its answer.
    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(&dyn Store) -> annunciator::store::Answer<T>,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(question(&self.store))
    }

    /// Returns the report that a message with this key would get.
    pub(crate) fn recall(
        &self,
        config: &Config,
        route: Route<'_>,
        notification: Notification,
    ) -> Result<Option<Report>, NotifyError> {
        let recalled = config.known_report(&self.store, route, notification);
        self.runtime.block_on(recalled)
    }

    /// Returns a delivery, if it exists.
    pub(crate) fn one(&self, delivery: DeliveryId) -> Result<Option<Record>, StoreError> {
        let query = Query::one(delivery);
        let found = self.ask(|store| store.deliveries(query))?;
        Ok(found.into_iter().next())
    }

    /// Reads deliveries page by page, the newest first, until the callback returns false.
    pub(crate) fn pages(
        &self,
        mut query: Query,
        mut look: impl FnMut(Vec<Record>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        query.limit = PAGE;
        loop {
            let asked = query.clone();
            let page = self.ask(|store| store.deliveries(asked))?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            query.before = Some(last.delivery);
            let is_last = page.len() < PAGE as usize;
            if !look(page)? || is_last {
                return Ok(());
            }
        }
    }
}

/// Builds a query from the arguments.
pub(crate) fn query(states: &[State], about: &About, since: Option<Since>) -> Query {
    Query {
        states: states.to_vec(),
        host: about.host.clone(),
        channel: about.channel.clone(),
        since_ms: since.map(|since| since.ms),
        ..Query::default()
    }
}

/// Prints an error of the store.
pub(crate) fn failed(error: &StoreError, output: &Output) -> Exit {
    output.error(error);
    Exit::Failed
}
