//! The policy that decides which plugin files may be loaded: by their owner, and by pinned hashes.

use std::path::{Path, PathBuf};

use annunciator_core::note::Note;

use super::{
    error::PluginError,
    image::Image,
    lock::{Lock, LockMode},
    trust::Trust,
};

/// The conditions under which a file may be loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    pub(crate) trust: Trust,
    pub(crate) lock_mode: LockMode,
    /// The path of the lock file, whether or not it is used.
    pub(crate) lock_file: PathBuf,
    /// The pinned hashes, if they are used.
    pub(crate) lock: Option<Lock>,
}

impl Policy {
    /// Checks a file that was read. Returns the warnings about a file that may be loaded.
    pub(crate) fn judge(
        &self,
        path: &Path,
        note: &Note,
        image: &Image,
    ) -> Result<Vec<PluginError>, PluginError> {
        let mut warnings = Vec::new();
        if let Some(distrust) = &image.distrust {
            let error = PluginError::Untrusted {
                path: path.to_owned(),
                distrust: distrust.clone(),
            };
            match self.trust {
                Trust::Strict => return Err(error),
                Trust::Warn => warnings.push(error),
            }
        }
        let checked = self
            .lock
            .as_ref()
            .map(|lock| lock.check(path, note, image.sha256));
        match (checked, self.lock_mode) {
            (Some(Err(error)), LockMode::Require) => Err(error),
            (Some(Err(error)), LockMode::Warn) => {
                warnings.push(error);
                Ok(warnings)
            }
            _ => Ok(warnings),
        }
    }
}
