//! The stand-in's executable, which cargo built beside the tests.

use std::{io, path::PathBuf};

use crate::artefacts;

/// The path of the stand-in's executable.
///
/// # Errors
/// When it was not built; the text says how to.
pub fn find() -> io::Result<PathBuf> {
    artefacts::executable("signal-cli-stand-in")
}
