//! The errors of plugin files that cannot be used, one sentence for each.

use std::path::{Path, PathBuf};

use annunciator_core::{
    load::LoadError,
    note::{Note, NoteError},
    version::AbiVersion,
};

use super::{limit::LOAD_TIMEOUT, sha256::Sha256, trust::Distrust};

/// The error when a plugin file cannot be used. Displayed, it names the file and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The file cannot be read.
    #[error("plugin {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A named folder cannot be read.
    #[error("the plugin folder {}{} cannot be read: {source}", path.display(), named_by(*setting))]
    Folder {
        /// The path of the folder.
        path: PathBuf,
        /// Whether the embedding program named the folder, and not the configuration.
        is_of_caller: bool,
        /// The program's setting that named the folder, if known.
        setting: Option<&'static str>,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not an ELF file, or is damaged.
    #[error("{} is not a plugin: {why}; replace the file or remove it from the folder", path.display())]
    NotAPlugin {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with the file.
        why: String,
    },
    /// The plugin's note is malformed.
    #[error("plugin {}: {source}; rebuild it with the SDK", path.display())]
    Note {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with the note.
        source: NoteError,
    },
    /// The plugin was built for another major version of the contract, or needs a newer host.
    #[error(
        "plugin {} ({} {}) needs plugin ABI {needs}, this host offers {offers}: use a host that \
         offers {needs}, or a version of {} that was built for ABI {offers}",
        file_name(path), note.name, note.version, note.name
    )]
    Version {
        /// The path of the file.
        path: PathBuf,
        /// The plugin's note.
        note: Box<Note>,
        /// The version of the contract that the plugin needs.
        needs: AbiVersion,
        /// The version of the contract that this host offers.
        offers: AbiVersion,
    },
    /// The plugin was built so that a panic in it would end the host.
    #[error(
        "plugin {} ({} {}) was built with panic = \"abort\", so that a fault in it would end \
         this program: rebuild it with panic = \"unwind\"",
        file_name(path), note.name, note.version
    )]
    Aborts {
        /// The path of the file.
        path: PathBuf,
        /// The plugin's note.
        note: Box<Note>,
    },
    /// The dynamic loader refused the file, or the file does not export the entry symbol.
    #[error("plugin {} cannot be loaded: {why}; rebuild it with the SDK", path.display())]
    Open {
        /// The path of the file.
        path: PathBuf,
        /// What the dynamic loader answered.
        why: String,
    },
    /// The plugin's header or layout is wrong, or its constructor failed.
    #[error(
        "plugin {} ({} {}) says that it was built for ABI {}.{}, but {source}: rebuild it with \
         the SDK",
        file_name(path), note.name, note.version, note.abi_major, note.abi_minor
    )]
    Load {
        /// The path of the file.
        path: PathBuf,
        /// The plugin's note.
        note: Box<Note>,
        /// What is wrong.
        source: LoadError,
    },
    /// The plugin's note and its functions contradict each other.
    #[error("plugin {}: its note and its functions disagree about {about}: rebuild it", path.display())]
    Contradiction {
        /// The path of the file.
        path: PathBuf,
        /// What they disagree about.
        about: String,
    },
    /// The plugin could not describe its channel types.
    #[error("plugin {} failed while it was asked for its channel types: {why}; report this to its author", path.display())]
    Describe {
        /// The path of the file.
        path: PathBuf,
        /// What the plugin answered.
        why: String,
    },
    /// The plugin did not answer in time while it was loaded.
    #[error("plugin {} did not answer within {seconds} s while it was loaded; report this to its author", path.display())]
    Hangs {
        /// The path of the file.
        path: PathBuf,
        /// The time limit, in seconds.
        seconds: u64,
    },
    /// Users other than root and the user of this program could have changed the file.
    #[error("plugin {} is not trusted: {distrust}; or allow it with plugins.trust: warn", path.display())]
    Untrusted {
        /// The path of the file.
        path: PathBuf,
        /// What lets others change the file.
        distrust: Distrust,
    },
    /// The file's hash is not the one in the lock file.
    #[error(
        "plugin {} ({} {}) is not the file that {} pins: its SHA-256 is {found}, and {expected} \
         is expected: put the pinned file back, or pin this one with `hbd plugins lock`",
        path.display(), note.name, note.version, lock.display()
    )]
    NotThePinned {
        /// The path of the file.
        path: PathBuf,
        /// The plugin's note.
        note: Box<Note>,
        /// The path of the lock file.
        lock: PathBuf,
        /// The hash in the lock file.
        expected: String,
        /// The hash of the file.
        found: Sha256,
    },
    /// The plugin is not in the lock file.
    #[error(
        "plugin {} ({} {}) is not pinned in {} for {}: inspect it, and pin it with `hbd plugins lock`; its SHA-256 is {found}",
        path.display(), note.name, note.version, lock.display(), note.target
    )]
    NotPinned {
        /// The path of the file.
        path: PathBuf,
        /// The plugin's note.
        note: Box<Note>,
        /// The path of the lock file.
        lock: PathBuf,
        /// The hash of the file.
        found: Sha256,
    },
    /// The file was replaced too often. Each version that was loaded stays in memory.
    #[error(
        "plugin {} was replaced {times} times since this program started, and each version stays in memory: restart the program to load this one", path.display()
    )]
    Exchanged {
        /// The path of the file.
        path: PathBuf,
        /// How often the file was replaced.
        times: usize,
    },
    /// The file cannot be used, for this reason. What was loaded from it before stays in use.
    #[error("{0}; the version that was loaded before stays in use")]
    StaysInUse(String),
    /// The file was rejected earlier, for this reason.
    #[error("{0}")]
    Rejected(String),
    /// Two files contain the same plugin.
    #[error(
        "plugin {} is also in {}, byte for byte: only one of them is used; remove the other",
        path.display(), copy.display()
    )]
    Copy {
        /// The path of the file that is used.
        path: PathBuf,
        /// The path of the other file.
        copy: PathBuf,
    },
    /// Two different files offer the same channel type.
    #[error(
        "channel type {channel_type} is offered by two plugins, {} and {}: remove one of them",
        first.display(), second.display()
    )]
    Twice {
        /// The channel type.
        channel_type: String,
        /// The path of one file.
        first: PathBuf,
        /// The path of the other file.
        second: PathBuf,
    },
}

/// Returns the setting that named a folder, for a sentence. Empty if it is unknown.
fn named_by(setting: Option<&str>) -> String {
    setting.map_or_else(String::new, |setting| format!(" ({setting})"))
}

impl PluginError {
    /// A plugin did not answer within [`LOAD_TIMEOUT`].
    pub(crate) fn hangs(path: &Path) -> Self {
        Self::Hangs {
            path: path.to_owned(),
            seconds: LOAD_TIMEOUT.as_secs(),
        }
    }

    /// Returns whether the error is about a folder that the embedding program named.
    pub(crate) fn is_of_caller(&self) -> bool {
        matches!(
            self,
            Self::Folder {
                is_of_caller: true,
                ..
            }
        )
    }

    /// Returns the path of the file, if it was rejected for its content.
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
