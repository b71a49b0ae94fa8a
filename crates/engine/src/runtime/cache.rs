//! A cache of loaded plugins: the channel types of a library, by its bytes, as long as the process
//! lives.
//!
//! Libraries are never closed. A file that was replaced is loaded in addition to its earlier
//! version, as a new generation. A file that was removed or damaged stays in use as it was. Equal
//! bytes are loaded once, even if they are in several files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use annunciator_core::version::AbiVersion;

use super::loaded::{LoadedType, load_type};
use crate::{
    plugin::{Image, PluginError, PluginFile, Policy, Sha256, judge},
    worker::WorkerProgram,
};

/// The maximum number of generations of a file that are loaded. Each stays in memory.
const MAX_GENERATIONS: usize = 128;

static CACHE: Mutex<Vec<Cached>> = Mutex::new(Vec::new());

/// A loaded channel type.
#[derive(Clone)]
struct Cached {
    sha256: Sha256,
    loaded: Arc<LoadedType>,
}

/// The channel types of a file.
#[derive(Default)]
pub(super) struct Types {
    pub(super) types: Vec<Arc<LoadedType>>,
    /// The warnings about the file.
    pub(super) warnings: Vec<PluginError>,
}

/// Returns the channel types of a file in its current version. The file is read once and checked by
/// what was read, whatever was read of it before.
///
/// With a worker's program, the plugin is loaded in workers and not in this process.
pub(super) fn types(
    host: AbiVersion,
    path: &Path,
    policy: &Policy,
    worker: Option<&WorkerProgram>,
) -> Result<Types, PluginError> {
    let image = Image::read(path)?;
    let note = image.note(path)?.ok_or_else(|| PluginError::NotAPlugin {
        path: path.to_owned(),
        why: "it carries no note of an Annunciator plugin any more".to_owned(),
    })?;
    let file = judge(host, path, note)?;
    let warnings = policy.judge(path, &file.note, &image)?;
    let sha256 = image.sha256;
    let mut cached = lock();
    let known = known(&mut cached, sha256, &file, worker);
    if !known.is_empty() {
        return Ok(Types {
            types: known,
            warnings,
        });
    }
    let generations = cached.iter().filter(|one| one.loaded.file.path == path);
    let generations: BTreeSet<String> = generations.map(|one| one.sha256.to_string()).collect();
    if generations.len() >= MAX_GENERATIONS {
        return Err(PluginError::Exchanged {
            path: path.to_owned(),
            times: generations.len(),
        });
    }
    drop(cached);
    let types = load_type(file.clone(), image, worker)?;
    let mut cached = lock();
    // Another thread may have loaded it meanwhile.
    let before = self::known(&mut cached, sha256, &file, worker);
    if !before.is_empty() {
        return Ok(Types {
            types: before,
            warnings,
        });
    }
    let types: Vec<_> = types.into_iter().map(Arc::new).collect();
    cached.extend(types.iter().map(|loaded| Cached {
        sha256,
        loaded: Arc::clone(loaded),
    }));
    Ok(Types { types, warnings })
}

/// Loads the channel types of a file, even if they are loaded already and whoever owns the file.
pub(crate) fn load_uncached(
    path: &Path,
    worker: Option<&WorkerProgram>,
) -> Result<Vec<LoadedType>, PluginError> {
    let image = Image::read(path)?;
    let note = image.note(path)?.ok_or_else(|| PluginError::NotAPlugin {
        path: path.to_owned(),
        why: "it carries no note of an Annunciator plugin".to_owned(),
    })?;
    let file = judge(AbiVersion::CURRENT, path, note)?;
    load_type(file, image, worker)
}

/// Returns the channel type that one of these files last offered while it could be loaded.
pub(super) fn before(
    paths: &[&Path],
    channel_type: &str,
    worker: Option<&WorkerProgram>,
) -> Option<Arc<LoadedType>> {
    let cached = lock();
    let mut known = cached.iter().rev().map(|one| &one.loaded);
    let known = known.find(|known| {
        let is_there = paths.iter().any(|path| known.file.path == *path);
        is_there && known.about.name == channel_type && known.worker() == worker
    });
    known.cloned()
}

/// Returns the file, of these, that was last requested for a channel type and offered it, in this
/// process or in workers: the file in use.
pub(super) fn last(paths: &[&Path], channel_type: &str) -> Option<PathBuf> {
    let cached = lock();
    let mut known = cached.iter().rev().map(|one| &one.loaded);
    let known = known.find(|known| {
        let is_there = paths.iter().any(|path| known.file.path == *path);
        is_there && known.about.name == channel_type
    });
    known.map(|known| known.file.path.clone())
}

/// Returns the channel types of these bytes. If the bytes are also in another file, that file has
/// types of its own, with its own path.
fn known(
    cached: &mut Vec<Cached>,
    sha256: Sha256,
    file: &PluginFile,
    worker: Option<&WorkerProgram>,
) -> Vec<Arc<LoadedType>> {
    let same = cached.iter().filter(|one| {
        one.sha256 == sha256
            && one.loaded.file.verdict == file.verdict
            && one.loaded.worker() == worker
    });
    let same: Vec<Arc<LoadedType>> = same.map(|one| Arc::clone(&one.loaded)).collect();
    let here = same.iter().filter(|loaded| loaded.file.path == file.path);
    let here: Vec<_> = here.cloned().collect();
    // The last requested file is the last in the list: it is in use.
    let is_here = |one: &Cached| here.iter().any(|loaded| Arc::ptr_eq(loaded, &one.loaded));
    let all = std::mem::take(cached).into_iter();
    let (last, others): (Vec<_>, Vec<_>) = all.partition(is_here);
    *cached = others;
    cached.extend(last);
    let Some(first) = same.first().filter(|_| here.is_empty()) else {
        return here;
    };
    let there = first.file.path.clone();
    let file = Arc::new(file.clone());
    let types = same.iter().filter(|loaded| loaded.file.path == there);
    let types: Vec<_> = types
        .map(|loaded| Arc::new(loaded.found_in(&file)))
        .collect();
    cached.extend(types.iter().map(|loaded| Cached {
        sha256,
        loaded: Arc::clone(loaded),
    }));
    types
}

fn lock() -> MutexGuard<'static, Vec<Cached>> {
    CACHE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
