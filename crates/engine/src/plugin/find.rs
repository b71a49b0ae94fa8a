//! Discovers plugin files and reads their notes. Runs none of them.

use std::{
    env,
    path::{Path, PathBuf},
};

use annunciator_core::{
    note::Note,
    version::{AbiVersion, Verdict, verdict},
};

use super::{error::PluginError, image::Image, note, sha256::Sha256};

/// Where packages install plugins.
const PACKAGED: &str = "/usr/lib/annunciator/plugins";

/// Why a folder is searched for plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Somebody named the folder. Every library in it is meant to be a plugin.
    Named,
    /// The embedding program named the folder, perhaps by a setting of its own, such as a
    /// command-line option.
    Caller(Option<&'static str>),
    /// The folder is searched by default, because nobody named one. It may contain other libraries.
    Default,
}

/// A folder that contains plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginDir {
    /// The path of the folder.
    pub path: PathBuf,
    /// Why the folder is searched.
    pub origin: Origin,
}

impl PluginDir {
    /// Returns a folder that somebody named.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            origin: Origin::Named,
        }
    }
}

/// Returns the folders that are searched if nobody names one: the folder of the executable, and the
/// one where packages install plugins.
#[must_use]
pub fn default_dirs() -> Vec<PluginDir> {
    let beside = env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_owned));
    beside
        .into_iter()
        .chain([PathBuf::from(PACKAGED)])
        .map(|path| PluginDir {
            path,
            origin: Origin::Default,
        })
        .collect()
}

/// A plugin file that this host could load, according to its note.
#[derive(Debug, Clone)]
pub struct PluginFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The plugin's note.
    pub note: Note,
    pub(crate) verdict: Verdict,
}

impl PluginFile {
    /// Returns the SHA-256 of the file as it is now.
    ///
    /// # Errors
    /// [`PluginError`] when the file cannot be read.
    pub fn sha256(&self) -> Result<Sha256, PluginError> {
        Ok(Image::read(&self.path)?.sha256)
    }
}

/// Reads the note of a file without running the plugin, and checks whether this host could load it.
/// Returns `Ok(None)` for a library that does not claim to be a plugin.
///
/// # Errors
/// [`PluginError`] when the file cannot be used.
pub fn inspect(path: &Path) -> Result<Option<PluginFile>, PluginError> {
    inspect_for(AbiVersion::CURRENT, path)
}

/// Reads a note like [`inspect`], for a host of any version.
pub(super) fn inspect_for(
    host: AbiVersion,
    path: &Path,
) -> Result<Option<PluginFile>, PluginError> {
    match note::read(path)? {
        Some(note) => judge(host, path, note).map(Some),
        None => Ok(None),
    }
}

/// Checks a file by its note, for a host of any version.
pub(crate) fn judge(host: AbiVersion, path: &Path, note: Note) -> Result<PluginFile, PluginError> {
    let built_for = AbiVersion {
        major: note.abi_major,
        minor: note.abi_minor,
    };
    let path = path.to_owned();
    let verdict = verdict(host, built_for, note.needs_host_minor);
    let needs = match verdict {
        Verdict::OtherMajor => built_for,
        Verdict::HostTooOld => AbiVersion {
            minor: note.needs_host_minor,
            ..built_for
        },
        Verdict::Older | Verdict::AsNewOrNewer if note.panic == "unwind" => {
            return Ok(PluginFile {
                path,
                note,
                verdict,
            });
        }
        Verdict::Older | Verdict::AsNewOrNewer => {
            return Err(PluginError::Aborts {
                path,
                note: Box::new(note),
            });
        }
    };
    Err(PluginError::Version {
        path,
        note: Box::new(note),
        needs,
        offers: host,
    })
}

/// Reads the notes of all files in the folders, in the order of folders and names. A missing folder
/// is an error only if it was named.
pub(crate) fn scan(host: AbiVersion, dirs: &[PluginDir]) -> (Vec<PluginFile>, Vec<PluginError>) {
    let (mut files, mut rejected) = (Vec::new(), Vec::new());
    for dir in dirs {
        let named = dir.origin != Origin::Default;
        let paths = match libraries(&dir.path) {
            Ok(paths) => paths,
            Err(source) if named => {
                let setting = match dir.origin {
                    Origin::Caller(setting) => setting,
                    Origin::Named | Origin::Default => None,
                };
                rejected.push(PluginError::Folder {
                    path: dir.path.clone(),
                    is_of_caller: matches!(dir.origin, Origin::Caller(_)),
                    setting,
                    source,
                });
                continue;
            }
            Err(_) => continue,
        };
        for path in paths {
            match inspect_for(host, &path) {
                Ok(Some(file)) => files.push(file),
                Ok(None) if named => rejected.push(PluginError::NotAPlugin {
                    path,
                    why: "it carries no note of an Annunciator plugin".to_owned(),
                }),
                Ok(None) => {}
                Err(PluginError::NotAPlugin { .. }) if !named => {}
                Err(error) => rejected.push(error),
            }
        }
    }
    (files, rejected)
}

fn libraries(dir: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut paths = Vec::new();
    for entry in dir.read_dir()? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == env::consts::DLL_EXTENSION)
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
