//! Finds a plugin's library: beside the test binary, where cargo puts it, or
//! where `ANNUNCIATOR_TEST_PLUGINS` says.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::io;
use std::path::{Path, PathBuf};

/// Overrides the folder.
const FOLDER: &str = "ANNUNCIATOR_TEST_PLUGINS";

/// Copies the library of a channel type into a folder of its own, in which no
/// library of another kind is.
pub(super) fn copy(channel_type: &str, to: &Path) -> io::Result<()> {
    let name = format!("{DLL_PREFIX}annunciator_{channel_type}{DLL_SUFFIX}");
    let from = folder()?.join(&name);
    std::fs::copy(&from, to.join(&name)).map_err(|error| {
        let path = from.display();
        io::Error::new(error.kind(), format!("{path} cannot be copied: {error}"))
    })?;
    Ok(())
}

fn folder() -> io::Result<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Ok(folder.into());
    }
    let mut path = std::env::current_exe()?;
    path.pop();
    Ok(path)
}
