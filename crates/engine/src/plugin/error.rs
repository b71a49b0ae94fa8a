//! Why a file is not a plugin that can be used, in one sentence each.

use std::path::{Path, PathBuf};

use annunciator_core::{
    load::LoadError,
    note::{Note, NoteError},
    version::AbiVersion,
};

use super::{limit::LOAD_TIMEOUT, sha256::Sha256, trust::Distrust};

/// Why a file cannot be used. The text names the file and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The file cannot be read.
    #[error("plugin {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not an ELF file, or it is damaged.
    #[error("{} is not a plugin: {why}; replace the file or take it out of the folder", path.display())]
    NotAPlugin {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Its note is malformed.
    #[error("plugin {}: {source}; rebuild it with the SDK", path.display())]
    Note {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// It was built for another major, or for a host that offers more.
    #[error(
        "plugin {} ({} {}) needs plugin ABI {needs}, this host offers {offers}: use a host that \
         offers {needs}, or a version of {} that was built for ABI {offers}",
        file_name(path), note.name, note.version, note.name
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        note: Box<Note>,
        /// What it needs.
        needs: AbiVersion,
        /// What this host offers.
        offers: AbiVersion,
    },
    /// A panic in it would end the host.
    #[error(
        "plugin {} ({} {}) was built with panic = \"abort\", so that a fault in it would end \
         this program: rebuild it with panic = \"unwind\"",
        file_name(path), note.name, note.version
    )]
    Aborts {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        note: Box<Note>,
    },
    /// The dynamic loader refused it, or it exports no entry.
    #[error("plugin {} cannot be loaded: {why}; rebuild it with the SDK", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Its header, layout or constructor is not as it should be.
    #[error(
        "plugin {} ({} {}) says that it was built for ABI {}.{}, but {source}: rebuild it with \
         the SDK",
        file_name(path), note.name, note.version, note.abi_major, note.abi_minor
    )]
    Load {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        note: Box<Note>,
        /// Why.
        source: LoadError,
    },
    /// Its note and its functions contradict each other.
    #[error("plugin {}: its note and its functions disagree about {about}: rebuild it", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// About what.
        about: String,
    },
    /// It could not describe its channel types.
    #[error("plugin {} failed while it was asked for its channel types: {why}; report this to its author", path.display())]
    Describe {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It did not answer in time while it was loaded.
    #[error("plugin {} did not answer within {seconds} s while it was loaded; report this to its author", path.display())]
    Hangs {
        /// The file.
        path: PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// Others could have changed it.
    #[error("plugin {} is not trusted: {distrust}; or allow it with plugins.trust: warn", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What gives others a hand in it.
        distrust: Distrust,
    },
    /// It is not the file that is pinned.
    #[error(
        "plugin {} ({} {}) is not the file that {} pins: its SHA-256 is {found}, and {expected} \
         is expected: put the pinned file back, or take this one over with `hbd plugins lock`",
        path.display(), note.name, note.version, lock.display()
    )]
    NotThePinned {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        note: Box<Note>,
        /// The lock file.
        lock: PathBuf,
        /// The hash that is pinned.
        expected: String,
        /// That of the file.
        found: Sha256,
    },
    /// It is not pinned at all.
    #[error(
        "plugin {} ({} {}) is not pinned in {} for {}: look at it, and take it over with \
         `hbd plugins lock`; its SHA-256 is {found}",
        path.display(), note.name, note.version, lock.display(), note.target
    )]
    NotPinned {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        note: Box<Note>,
        /// The lock file.
        lock: PathBuf,
        /// The file's hash.
        found: Sha256,
    },
    /// It was exchanged too often: each stays in memory.
    #[error(
        "plugin {} was exchanged {times} times since this program started, and each of them \
         stays in memory: start the program anew to load this one", path.display()
    )]
    Exchanged {
        /// The file.
        path: PathBuf,
        /// How often it was.
        times: usize,
    },
    /// The file cannot be used, for this reason, and was loaded before.
    #[error("{0}; what was loaded of it before goes on serving")]
    GoesOn(String),
    /// It was rejected earlier, for this reason.
    #[error("{0}")]
    Rejected(String),
    /// Two files are one plugin.
    #[error(
        "plugin {} stands in {} once more, byte for byte: only one of them is used; remove the other",
        path.display(), copy.display()
    )]
    Copy {
        /// The file that is used.
        path: PathBuf,
        /// The other.
        copy: PathBuf,
    },
    /// Two different files offer one channel type.
    #[error(
        "channel type {channel_type} is offered by two plugins, {} and {}: remove one of them",
        first.display(), second.display()
    )]
    Twice {
        /// The channel type.
        channel_type: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

impl PluginError {
    /// A plugin did not answer within [`LOAD_TIMEOUT`].
    pub(crate) fn hangs(path: &Path) -> Self {
        Self::Hangs {
            path: path.to_owned(),
            seconds: LOAD_TIMEOUT.as_secs(),
        }
    }

    /// The file, where it was rejected for what it is.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Unreadable { path, .. }
            | Self::NotAPlugin { path, .. }
            | Self::Note { path, .. }
            | Self::Version { path, .. }
            | Self::Aborts { path, .. } => Some(path),
            _ => None,
        }
    }
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name()
        .map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy())
}
