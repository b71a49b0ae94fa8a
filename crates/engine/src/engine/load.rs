//! Loads a configuration and its plugins. The file says where the plugins are, and its channels are
//! checked by what the plugins say.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, Document, LoadOptions, PluginSearch, Problems, ReadError, search_plugins},
    runtime::Catalog,
    worker::{WorkerError, WorkerProgram, refuse_in_worker},
};

/// A configuration that can be used, with its plugins and warnings.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The plugins that were found.
    pub catalog: Catalog,
    /// What the operator should know. Contains no errors.
    pub warnings: Problems,
}

/// The error when a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The content of the file is wrong.
    #[error("{0}")]
    Problems(Box<Problems>),
    /// The program is not embedded as worker processes require.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

impl From<ReadError> for LoadError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unreadable { path, source } => Self::Unreadable { path, source },
            ReadError::Problems(problems) => Self::Problems(problems),
        }
    }
}

/// Checks a file as [`load`] does, with plugins that were found before: none is loaded.
///
/// # Errors
/// [`LoadError`] with every problem of the file.
pub(super) fn check_file(
    path: &Path,
    options: &LoadOptions,
    plugins: &Catalog,
) -> Result<(Config, Problems), LoadError> {
    let checked = Document::read(path, options)?.check(plugins);
    checked.map_err(|problems| LoadError::Problems(Box::new(problems)))
}

/// Reads, checks and resolves a file. `worker` is the program that runs plugins in processes of
/// their own, if there is one.
///
/// # Errors
/// [`LoadError`] with every problem of the file, or with what is wrong with the program.
pub(super) fn load(
    path: &Path,
    options: &LoadOptions,
    worker: Option<&WorkerProgram>,
) -> Result<Loaded, LoadError> {
    refuse_in_worker()?;
    if let Some(program) = worker {
        program.clear_misuse();
    }
    let mut document = Document::read(path, options)?;
    let catalog = scan(document.plugins(), worker);
    let checked = document.check(&catalog);
    let (config, warnings) = checked.map_err(|problems| LoadError::Problems(Box::new(problems)))?;
    // A fault of the program is not an error of one channel.
    worker.map_or(Ok(()), WorkerProgram::check)?;
    Ok(Loaded {
        config,
        catalog,
        warnings,
    })
}

/// Returns the plugins that a file and the options name. Works with a file that is invalid or
/// missing, and runs no plugin.
pub(super) fn find_plugins(
    path: &Path,
    options: &LoadOptions,
    worker: Option<&WorkerProgram>,
) -> Catalog {
    scan(search_plugins(path, options), worker)
}

fn scan(search: PluginSearch, worker: Option<&WorkerProgram>) -> Catalog {
    Catalog::scan_by(search.policy, &search.dirs, worker.cloned())
}
