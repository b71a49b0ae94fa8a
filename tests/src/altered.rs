//! Copies of a plugin's file with some bytes changed, to make files that say
//! of themselves what no build would.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use memchr::memmem;

/// A copy of a file in which every change replaces all occurrences of one
/// text by another of the same length.
///
/// # Errors
/// When the file cannot be read or written, or a change fits nowhere.
pub fn altered_copy(from: &Path, to: &Path, changes: &[(&str, &str)]) -> io::Result<PathBuf> {
    let mut bytes = fs::read(from)?;
    for (old, new) in changes {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        if old.len() != new.len() {
            return Err(io::Error::other("a change must keep the length"));
        }
        let places: Vec<usize> = memmem::find_iter(&bytes, old).collect();
        if places.is_empty() {
            return Err(io::Error::other(format!(
                "{} holds no {}",
                from.display(),
                String::from_utf8_lossy(old)
            )));
        }
        for at in places {
            bytes[at..at + new.len()].copy_from_slice(new);
        }
    }
    fs::write(to, bytes)?;
    Ok(to.to_owned())
}

/// A change to the mode of the raw fixture.
#[must_use]
pub fn raw_mode(mode: &str) -> (String, String) {
    let padded = |mode: &str| format!("raw-mode:{mode:.<15}");
    (padded("ok"), padded(mode))
}
