//! Discovers plugin files and reads their notes.
//!
//! Listing executes nothing: only notes are read.

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

/// How a plugin folder came to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Somebody named it. What is in it is meant to be a plugin.
    Named,
    /// It is looked at when nobody named one; other libraries may stand there.
    Default,
}

/// A folder with plugins in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginDir {
    /// The folder.
    pub path: PathBuf,
    /// How it came to be looked at.
    pub origin: Origin,
}

impl PluginDir {
    /// A folder that somebody named.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            origin: Origin::Named,
        }
    }
}

/// The folders to look at when nobody named one: that of the executable and
/// the one where packages install plugins.
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

/// A file that says it is a plugin, and that this host could load.
#[derive(Debug, Clone)]
pub struct PluginFile {
    /// The file.
    pub path: PathBuf,
    /// What it says of itself.
    pub note: Note,
    pub(crate) verdict: Verdict,
}

impl PluginFile {
    /// The SHA-256 of the file as it is now.
    ///
    /// # Errors
    /// [`PluginError`] when it cannot be read.
    pub fn sha256(&self) -> Result<Sha256, PluginError> {
        Ok(Image::read(&self.path)?.sha256)
    }
}

/// Reads one file's note and judges it for this host. `Ok(None)` is a library
/// that does not say it is a plugin.
///
/// # Errors
/// [`PluginError`] says why it cannot be used, and what to do.
pub fn inspect(path: &Path) -> Result<Option<PluginFile>, PluginError> {
    inspect_for(AbiVersion::CURRENT, path)
}

/// As [`inspect`], for a host of any version.
pub(super) fn inspect_for(
    host: AbiVersion,
    path: &Path,
) -> Result<Option<PluginFile>, PluginError> {
    match note::read(path)? {
        Some(note) => judge(host, path, note).map(Some),
        None => Ok(None),
    }
}

/// Judges a file by its note, for a host of any version.
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

/// Reads the notes of all files in the folders, in the order of folders and
/// names. A folder that does not exist is an error only when it was named.
pub(crate) fn scan(host: AbiVersion, dirs: &[PluginDir]) -> (Vec<PluginFile>, Vec<PluginError>) {
    let (mut files, mut rejected) = (Vec::new(), Vec::new());
    for dir in dirs {
        let named = dir.origin == Origin::Named;
        let paths = match libraries(&dir.path) {
            Ok(paths) => paths,
            Err(source) if named => {
                rejected.push(PluginError::Unreadable {
                    path: dir.path.clone(),
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
