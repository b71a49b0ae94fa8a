//! Reads the ELF note of a plugin without loading it.

use std::{fs::File, io, path::Path};

use annunciator_core::note::{NOTE_SECTION, Note};
use object::{Object as _, ObjectSection as _, ReadCache, ReadRef};

use super::error::PluginError;

/// Reads the note of a file, and no more of the file than needed. Returns `Ok(None)` for a valid
/// ELF file without one.
pub(super) fn read(path: &Path) -> Result<Option<Note>, PluginError> {
    let unreadable = |source| PluginError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err(unreadable(io::Error::other("it is not a regular file")));
    }
    find(path, &ReadCache::new(file))
}

/// Finds the note in the content of a file.
pub(super) fn find<'d>(
    path: &Path,
    content: impl ReadRef<'d>,
) -> Result<Option<Note>, PluginError> {
    let broken = |error: object::Error| PluginError::NotAPlugin {
        path: path.to_owned(),
        why: format!("it is not an ELF file, or it is damaged ({error})"),
    };
    let elf = object::File::parse(content).map_err(broken)?;
    let Some(section) = elf.section_by_name(NOTE_SECTION) else {
        return Ok(None);
    };
    let bytes = section.data().map_err(broken)?;
    Note::parse(bytes)
        .map(Some)
        .map_err(|source| PluginError::Note {
            path: path.to_owned(),
            source,
        })
}
