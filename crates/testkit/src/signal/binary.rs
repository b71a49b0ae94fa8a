//! The stand-in's executable, which cargo built beside the tests.

use std::{io, path::PathBuf};

use crate::artefacts;

/// Returns the path of the stand-in's executable.
///
/// # Errors
/// Fails if it was not built; the text says how to build it.
pub fn find() -> io::Result<PathBuf> {
    artefacts::executable("signal-cli-stand-in")
}
