//! What was loaded stays: the channel types of a library, by its path, for as
//! long as the process lives.
//!
//! The dynamic linker answers a second request for a path with the library of
//! the first, whatever stands there by then, and libraries are never closed.
//! So a file that was changed or removed goes on serving as it was.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use annunciator_core::version::Verdict;

use super::{
    error::PluginError,
    find::PluginFile,
    loaded::{LoadedType, load},
};

static RESIDENT: Mutex<Vec<Arc<LoadedType>>> = Mutex::new(Vec::new());

/// The channel types of a file: those that it had when it was first loaded.
pub(super) fn types(file: &PluginFile) -> Result<Vec<Arc<LoadedType>>, PluginError> {
    let known = at(&file.path, file.verdict);
    if !known.is_empty() {
        return Ok(known);
    }
    let loaded = load(file.clone())?.into_iter().map(Arc::new).collect();
    let mut resident = resident();
    // Perhaps somebody else was quicker.
    let known: Vec<_> = of(&resident, &file.path, file.verdict);
    if !known.is_empty() {
        return Ok(known);
    }
    resident.extend(Vec::clone(&loaded));
    Ok(loaded)
}

/// A channel type of a file that could not be loaded now, and was before.
pub(super) fn before(path: &Path, channel_type: &str) -> Option<Arc<LoadedType>> {
    let resident = resident();
    let known = resident
        .iter()
        .find(|known| known.file.path == path && known.about.name == channel_type);
    known.cloned()
}

fn at(path: &Path, verdict: Verdict) -> Vec<Arc<LoadedType>> {
    of(&resident(), path, verdict)
}

fn of(resident: &[Arc<LoadedType>], path: &Path, verdict: Verdict) -> Vec<Arc<LoadedType>> {
    let same = |known: &&Arc<LoadedType>| known.file.path == path && known.file.verdict == verdict;
    resident.iter().filter(same).cloned().collect()
}

fn resident() -> MutexGuard<'static, Vec<Arc<LoadedType>>> {
    RESIDENT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
