//! The lock file: pins reviewed plugins by the SHA-256 of their bytes, for each target.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use annunciator_core::note::Note;
use serde::{Deserialize, Serialize};

use super::{error::PluginError, sha256::Sha256};

/// The version of the format.
const FORMAT: u32 = 1;
/// The maximum size of a lock file, in bytes.
const MAX_FILE_SIZE: u64 = 1024 * 1024;

/// The description for people who find the file.
const ABOUT: &str = "The plugins that may be loaded, by the SHA-256 of their files. Written by `hbd plugins lock`; see `plugins.lock` in the configuration.";

/// What happens to a plugin that differs from the lock file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LockMode {
    /// There is no lock file, and every plugin is used.
    #[default]
    Off,
    /// The plugin is used, with a warning.
    Warn,
    /// The plugin is not used.
    Require,
}

/// A lock file: the plugins that were reviewed, with the SHA-256 of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    path: PathBuf,
    plugins: BTreeMap<String, Pinned>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    #[serde(default)]
    about: String,
    format: u32,
    #[serde(default)]
    plugins: BTreeMap<String, Pinned>,
}

/// The pinned hashes of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pinned {
    /// The version of the plugin, for people.
    version: String,
    /// The hashes, by target.
    sha256: BTreeMap<String, String>,
}

/// The error when a lock file cannot be used. Displayed, it names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The file cannot be read or written.
    #[error("the lock file {} cannot be {action}: {source}", path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file does not exist.
    #[error("the lock file {} does not exist: inspect the plugins, and write it with `hbd plugins lock`", .0.display())]
    Missing(PathBuf),
    /// The file is not in the form that `hbd plugins lock` writes.
    #[error("the lock file {} is malformed: {why}; move it away, and write it again with `hbd plugins lock`", path.display())]
    Malformed {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
}

impl Lock {
    /// Returns a lock file that pins no plugin.
    #[must_use]
    pub fn empty(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            plugins: BTreeMap::new(),
        }
    }

    /// Reads a lock file.
    ///
    /// # Errors
    /// [`LockError`] when the file cannot be read or is malformed.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => LockError::Missing(path.to_owned()),
            _ => LockError::Io {
                path: path.to_owned(),
                action: "read",
                source,
            },
        };
        if fs::metadata(path).map_err(failed)?.len() > MAX_FILE_SIZE {
            let error = io::Error::other(format!("it has more than {MAX_FILE_SIZE} bytes"));
            return Err(failed(error));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let malformed = |why| LockError::Malformed {
            path: path.to_owned(),
            why,
        };
        let content: LockFile =
            serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if content.format != FORMAT {
            let why = format!("its format is {}, and {FORMAT} is known", content.format);
            return Err(malformed(why));
        }
        for (name, pinned) in &content.plugins {
            for (target, sha256) in &pinned.sha256 {
                let is_hash =
                    sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
                if !is_hash {
                    let why =
                        format!("plugins.{name}.sha256.{target} is not 64 hexadecimal digits");
                    return Err(malformed(why));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            plugins: content.plugins,
        })
    }

    /// Pins a plugin to this hash, for the target in its note. Hashes of the plugin for other
    /// targets remain.
    pub fn pin(&mut self, note: &Note, sha256: Sha256) {
        let pinned = self.plugins.entry(note.name.clone());
        let pinned = pinned.or_insert_with(|| Pinned {
            version: String::new(),
            sha256: BTreeMap::new(),
        });
        pinned.version.clone_from(&note.version);
        let target = note.target.clone();
        pinned.sha256.insert(target, sha256.to_string());
    }

    /// Removes every plugin whose name is not among `names`, and returns the names of those
    /// removed.
    pub fn keep_only(&mut self, names: &[&str]) -> Vec<String> {
        let is_gone = |name: &&String| !names.contains(&name.as_str());
        let gone: Vec<String> = self.plugins.keys().filter(is_gone).cloned().collect();
        self.plugins.retain(|name, _| !gone.contains(name));
        gone
    }

    /// Writes the lock file, completely or not at all.
    ///
    /// # Errors
    /// [`LockError`] when the file cannot be written.
    pub fn write(&self) -> Result<(), LockError> {
        let failed = |source| LockError::Io {
            path: self.path.clone(),
            action: "written",
            source,
        };
        let content = LockFile {
            about: ABOUT.to_owned(),
            format: FORMAT,
            plugins: self.plugins.clone(),
        };
        let text = serde_json::to_string_pretty(&content)
            .map_err(|error| failed(io::Error::other(error)))?;
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        let written = fs::write(&new, format!("{text}\n"));
        written
            .and_then(|()| fs::File::open(&new)?.sync_all())
            .and_then(|()| fs::rename(&new, &self.path))
            .map_err(|error| {
                // The file may not exist.
                let _ = fs::remove_file(&new);
                failed(error)
            })
    }

    /// Returns the path of the lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that a file is the pinned one.
    pub(super) fn check(&self, path: &Path, note: &Note, found: Sha256) -> Result<(), PluginError> {
        let pinned = self.plugins.get(&note.name);
        let expected = pinned.and_then(|pinned| pinned.sha256.get(&note.target));
        match expected {
            Some(expected) if expected.eq_ignore_ascii_case(&found.to_string()) => Ok(()),
            Some(expected) => Err(PluginError::NotThePinned {
                path: path.to_owned(),
                note: Box::new(note.clone()),
                lock: self.path.clone(),
                expected: expected.clone(),
                found,
            }),
            None => Err(PluginError::NotPinned {
                path: path.to_owned(),
                note: Box::new(note.clone()),
                lock: self.path.clone(),
                found,
            }),
        }
    }
}
