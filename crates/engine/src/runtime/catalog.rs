//! The catalog of the plugins that were found, including those that are loaded.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use annunciator_core::version::AbiVersion;

use super::{
    cache::{self, Types},
    loaded::LoadedType,
};
use crate::{
    plugin::{ChannelType, Image, PluginDir, PluginError, PluginFile, Policy, Sha256, scan},
    worker::WorkerProgram,
};

/// The plugins in a set of folders.
///
/// A file is loaded when one of its channel types is first needed, and stays loaded.
#[derive(Debug)]
pub struct Catalog {
    files: Vec<PluginFile>,
    rejected: Vec<PluginError>,
    /// The loaded channel types, by name and by whether they run in worker processes.
    loaded: Mutex<BTreeMap<(String, bool), LoadResult>>,
    warnings: Mutex<Vec<PluginError>>,
    host: AbiVersion,
    policy: Policy,
    /// The program of worker processes, if the embedding program offers one.
    worker: Option<WorkerProgram>,
}

type LoadResult = Result<Arc<LoadedType>, Arc<PluginError>>;

/// The reason why there is no provider for a channel type.
#[derive(Debug, Clone)]
pub(crate) enum TypeError {
    /// No plugin offers the channel type.
    Unknown,
    /// The channel type should run in a worker process, and the program offers none.
    NoWorker,
    /// A plugin offers the channel type, but cannot be used.
    Unusable(Arc<PluginError>),
}

impl Catalog {
    /// Reads the notes of all files in the folders, and returns the plugins. Loads none of them.
    #[must_use]
    pub fn scan(dirs: &[PluginDir]) -> Self {
        Self::scan_for(AbiVersion::CURRENT, dirs)
    }

    /// Reads notes like [`scan`](Self::scan), for files that this policy allows, and with the
    /// program that runs workers.
    pub(crate) fn scan_by(
        policy: Policy,
        dirs: &[PluginDir],
        worker: Option<WorkerProgram>,
    ) -> Self {
        Self {
            policy,
            worker,
            ..Self::scan(dirs)
        }
    }

    /// Reads notes like [`scan`](Self::scan), as a host of another version would.
    #[doc(hidden)]
    #[must_use]
    pub fn scan_for(host: AbiVersion, dirs: &[PluginDir]) -> Self {
        let (files, rejected) = scan(host, dirs);
        Self {
            files,
            rejected,
            loaded: Mutex::default(),
            warnings: Mutex::default(),
            host,
            policy: Policy::default(),
            worker: None,
        }
    }

    /// Returns the files that this host could load, according to their notes.
    #[must_use]
    pub fn files(&self) -> &[PluginFile] {
        &self.files
    }

    /// Returns why the other files cannot be loaded.
    #[must_use]
    pub fn rejected(&self) -> &[PluginError] {
        &self.rejected
    }

    /// Returns why some of [`files`](Self::files) are not used: because of their owner or
    /// permissions, the lock file, or another file that offers the same channel type. Reads all of
    /// the files and loads none.
    #[must_use]
    pub fn refused(&self) -> Vec<PluginError> {
        self.read_files().1
    }

    /// Reads each of [`files`](Self::files) once, and returns the SHA-256 of each that can be read,
    /// in their order, and what [`refused`](Self::refused) returns.
    #[must_use]
    pub fn read_files(&self) -> (Vec<Option<Sha256>>, Vec<PluginError>) {
        let (mut hashes, mut refused) = (Vec::new(), Vec::new());
        for file in &self.files {
            let image = Image::read(&file.path);
            hashes.push(image.as_ref().ok().map(|image| image.sha256));
            let judged = image.and_then(|image| self.policy.judge(&file.path, &file.note, &image));
            refused.extend(judged.err());
        }
        let types = self.channel_types();
        refused.extend(types.filter_map(|name| are_one(name, &self.offering(name)).err()));
        (hashes, refused)
    }

    /// Returns the files that offer a channel type, according to their notes.
    fn offering(&self, channel_type: &str) -> Vec<&PluginFile> {
        let offers = |file: &&PluginFile| {
            let mut types = file.note.channel_types.iter();
            types.any(|name| name == channel_type)
        };
        self.files.iter().filter(offers).collect()
    }

    /// Returns the path of the lock file: the one that the configuration names, or the one next to
    /// the configuration file.
    #[must_use]
    pub fn lock_file(&self) -> &Path {
        &self.policy.lock_file
    }

    /// Returns whether only files with the hashes of the lock file are loaded.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.policy.lock.is_some()
    }

    /// Returns the warnings about loaded files.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.iter().map(ToString::to_string).collect()
    }

    fn report(&self, error: PluginError) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.push(error);
    }

    /// Returns the channel types that the files offer, according to their notes.
    pub fn channel_types(&self) -> impl Iterator<Item = &str> {
        let mut types: Vec<&str> = self
            .files
            .iter()
            .flat_map(|file| &file.note.channel_types)
            .map(String::as_str)
            .collect();
        types.sort_unstable();
        types.dedup();
        types.into_iter()
    }

    /// Loads the plugin of a channel type, and returns the description of the channel type.
    ///
    /// # Errors
    /// A sentence that says why the channel type cannot be described.
    pub fn describe(&self, channel_type: &str) -> Result<ChannelType, String> {
        match self.load(channel_type) {
            Ok(loaded) => Ok(loaded.about.clone()),
            Err(TypeError::Unusable(error)) => Err(error.to_string()),
            Err(TypeError::Unknown | TypeError::NoWorker) => {
                Err(format!("no plugin offers the channel type {channel_type}"))
            }
        }
    }

    /// Returns the channel type, with its plugin loaded in this process.
    pub(crate) fn load(&self, channel_type: &str) -> Result<Arc<LoadedType>, TypeError> {
        self.load_by(channel_type, None)
    }

    /// Returns the channel type, with its plugin loaded in worker processes.
    ///
    /// # Errors
    /// The same as [`load`](Self::load), and [`TypeError::NoWorker`].
    pub(crate) fn load_isolated(&self, channel_type: &str) -> Result<Arc<LoadedType>, TypeError> {
        let worker = self.worker.as_ref().ok_or(TypeError::NoWorker)?;
        self.load_by(channel_type, Some(worker))
    }

    fn load_by(
        &self,
        channel_type: &str,
        worker: Option<&WorkerProgram>,
    ) -> Result<Arc<LoadedType>, TypeError> {
        let is_isolated = worker.is_some();
        let key = |name: &str| (name.to_owned(), is_isolated);
        let mut loaded = self
            .loaded
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = loaded.get(&key(channel_type)) {
            return known.clone().map_err(TypeError::Unusable);
        }
        let offering = self.offering(channel_type);
        if offering.is_empty() {
            return self.missing(channel_type, worker);
        }
        let paths: Vec<&Path> = offering.iter().map(|file| &*file.path).collect();
        match self.types(channel_type, &offering, worker) {
            Ok(Types { types, warnings }) => {
                warnings.into_iter().for_each(|error| self.report(error));
                for loaded_type in types {
                    let name = key(&loaded_type.about.name);
                    loaded.entry(name).or_insert(Ok(loaded_type));
                }
            }
            Err(error) => {
                let known = match cache::before(&paths, channel_type, worker) {
                    Some(before) => {
                        self.report(PluginError::StaysInUse(error.to_string()));
                        Ok(before)
                    }
                    None => Err(Arc::new(error)),
                };
                loaded.insert(key(channel_type), known);
            }
        }
        match loaded.get(&key(channel_type)) {
            Some(known) => known.clone().map_err(TypeError::Unusable),
            None => Err(TypeError::Unknown),
        }
    }

    /// Returns the channel types of the file that offers this one. Equal files are one plugin. Of
    /// different files none is used, because it is unknown which one is meant.
    fn types(
        &self,
        channel_type: &str,
        offering: &[&PluginFile],
        worker: Option<&WorkerProgram>,
    ) -> Result<Types, PluginError> {
        let load = |file: &PluginFile| cache::types(self.host, &file.path, &self.policy, worker);
        if let [only] = offering {
            return load(only);
        }
        are_one(channel_type, offering)?;
        // The file in use stays in use, so that its channels need not be reopened: others of these
        // files may have been used before it.
        let paths: Vec<&Path> = offering.iter().map(|file| &*file.path).collect();
        let last = cache::last(&paths, channel_type);
        let serves = |file: &&&PluginFile| last.as_deref() == Some(&*file.path);
        let serving = offering.iter().filter(serves);
        let others = offering.iter().filter(|file| !serves(file));
        let mut why = None;
        for file in serving.chain(others) {
            match load(file) {
                Ok(mut types) => {
                    let copies = offering.iter().filter(|copy| copy.path != file.path);
                    types.warnings.extend(copies.map(|copy| PluginError::Copy {
                        path: file.path.clone(),
                        copy: copy.path.clone(),
                    }));
                    return Ok(types);
                }
                // A copy of the file may be loadable.
                Err(error) => why = why.or(Some(error)),
            }
        }
        why.map_or_else(|| Ok(Types::default()), Err)
    }

    /// Returns the error of a channel type that no file offers. A rejected file may offer it, or
    /// may have offered it.
    fn missing(
        &self,
        channel_type: &str,
        worker: Option<&WorkerProgram>,
    ) -> Result<Arc<LoadedType>, TypeError> {
        // A rejected file offered the type while it could be loaded.
        for error in &self.rejected {
            let before = |path| cache::before(&[path], channel_type, worker);
            if let Some(before) = error.path().and_then(before) {
                self.report(PluginError::StaysInUse(error.to_string()));
                return Ok(before);
            }
        }
        let would_offer = |error: &&PluginError| match error {
            PluginError::Version { note, .. } | PluginError::Aborts { note, .. } => {
                note.channel_types.iter().any(|name| name == channel_type)
            }
            // A damaged file does not tell what it offered, but its name does.
            error => error
                .path()
                .is_some_and(|path| is_named(path, channel_type)),
        };
        let Some(error) = self.rejected.iter().find(would_offer) else {
            return Err(TypeError::Unknown);
        };
        let rejected = PluginError::Rejected(error.to_string());
        Err(TypeError::Unusable(Arc::new(rejected)))
    }
}

/// Returns whether the name of a file is that of a plugin with a channel type: `libTYPE.so` or
/// `libMAKER_TYPE.so`.
fn is_named(path: &Path, channel_type: &str) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let name = stem.map(|stem| stem.strip_prefix("lib").unwrap_or(stem).replace('-', "_"));
    let channel_type = channel_type.replace('-', "_");
    name.is_some_and(|name| {
        let before = name.strip_suffix(&channel_type);
        before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
    })
}

/// Checks that the files that offer a channel type are equal.
///
/// # Errors
/// [`PluginError::Twice`] when they differ.
fn are_one(channel_type: &str, offering: &[&PluginFile]) -> Result<(), PluginError> {
    let [first, others @ ..] = offering else {
        return Ok(());
    };
    if others.is_empty() {
        return Ok(());
    }
    let bytes = first.sha256()?;
    for other in others {
        if other.sha256()? != bytes {
            return Err(PluginError::Twice {
                channel_type: channel_type.to_owned(),
                first: first.path.clone(),
                second: other.path.clone(),
            });
        }
    }
    Ok(())
}
