//! All plugins that were found, and those of them that are loaded.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use annunciator_core::version::AbiVersion;

use super::{
    error::PluginError,
    find::{PluginDir, PluginFile, scan},
    loaded::{ChannelType, LoadedType},
    resident,
};

/// The plugins of some folders. Files are loaded when a channel type of
/// theirs is first asked for, and stay loaded.
#[derive(Debug)]
pub struct Catalog {
    files: Vec<PluginFile>,
    rejected: Vec<PluginError>,
    loaded: Mutex<BTreeMap<String, Loaded>>,
}

type Loaded = Result<Arc<LoadedType>, Arc<PluginError>>;

/// Why there is no provider for a channel type.
#[derive(Debug, Clone)]
pub(crate) enum TypeError {
    /// No plugin offers it.
    Unknown,
    /// A plugin offers it and cannot be used.
    Unusable(Arc<PluginError>),
}

impl Catalog {
    /// Reads the notes of all files in the folders. Loads nothing.
    #[must_use]
    pub fn scan(dirs: &[PluginDir]) -> Self {
        Self::scan_for(AbiVersion::CURRENT, dirs)
    }

    /// As [`scan`](Self::scan), as a host of another version would.
    #[doc(hidden)]
    #[must_use]
    pub fn scan_for(host: AbiVersion, dirs: &[PluginDir]) -> Self {
        let (files, rejected) = scan(host, dirs);
        Self {
            files,
            rejected,
            loaded: Mutex::default(),
        }
    }

    /// The files that this host could load.
    #[must_use]
    pub fn files(&self) -> &[PluginFile] {
        &self.files
    }

    /// The files that it could not, with the reasons.
    #[must_use]
    pub fn rejected(&self) -> &[PluginError] {
        &self.rejected
    }

    /// The channel types that the files offer, by their notes.
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

    /// Loads what is needed and describes a channel type.
    ///
    /// # Errors
    /// The sentence that says why there is none.
    pub fn describe(&self, channel_type: &str) -> Result<ChannelType, String> {
        match self.load(channel_type) {
            Ok(loaded) => Ok(loaded.about.clone()),
            Err(TypeError::Unusable(error)) => Err(error.to_string()),
            Err(TypeError::Unknown) => {
                Err(format!("no plugin offers the channel type {channel_type}"))
            }
        }
    }

    /// The channel type, its plugin loaded.
    pub(crate) fn load(&self, channel_type: &str) -> Result<Arc<LoadedType>, TypeError> {
        let mut loaded = self
            .loaded
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = loaded.get(channel_type) {
            return known.clone().map_err(TypeError::Unusable);
        }
        let offers = |file: &&PluginFile| {
            file.note
                .channel_types
                .iter()
                .any(|name| name == channel_type)
        };
        let mut offering = self.files.iter().filter(offers);
        let Some(file) = offering.next() else {
            return self.missing(channel_type);
        };
        let types = match offering.next() {
            None => resident::types(file),
            Some(second) => Err(PluginError::Twice {
                channel_type: channel_type.to_owned(),
                first: file.path.clone(),
                second: second.path.clone(),
            }),
        };
        match types {
            Ok(types) => {
                for loaded_type in types {
                    let name = loaded_type.about.name.clone();
                    loaded.entry(name).or_insert(Ok(loaded_type));
                }
            }
            Err(error) => {
                loaded.insert(channel_type.to_owned(), Err(Arc::new(error)));
            }
        }
        match loaded.get(channel_type) {
            Some(known) => known.clone().map_err(TypeError::Unusable),
            None => Err(TypeError::Unknown),
        }
    }

    /// No file offers the type; perhaps one that was rejected would, or did.
    fn missing(&self, channel_type: &str) -> Result<Arc<LoadedType>, TypeError> {
        let would_offer = |error: &&PluginError| {
            matches!(error, PluginError::Version { note, .. } | PluginError::Aborts { note, .. }
                if note.channel_types.iter().any(|name| name == channel_type))
        };
        let Some(error) = self.rejected.iter().find(would_offer) else {
            return Err(TypeError::Unknown);
        };
        let path = match error {
            PluginError::Version { path, .. } | PluginError::Aborts { path, .. } => Some(path),
            _ => None,
        };
        if let Some(before) = path.and_then(|path| resident::before(path, channel_type)) {
            return Ok(before);
        }
        let rejected = PluginError::Rejected(error.to_string());
        Err(TypeError::Unusable(Arc::new(rejected)))
    }
}
