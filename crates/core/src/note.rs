//! The note: what a plugin's file says about the plugin before it is loaded.
//!
//! The section `.note.annunciator` holds one ELF note, whose description is a JSON object. The SDK
//! creates it at compile time, and the engine reads it from the bytes of the file, so that listing
//! plugins executes none of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the section that holds the note.
pub const NOTE_SECTION: &str = ".note.annunciator";

/// The owner in the note, with the final NUL.
pub const NOTE_OWNER: &[u8; 12] = b"Annunciator\0";

/// The type number of the note. There is only one format.
pub const NOTE_TYPE: u32 = 1;

/// The maximum length of a note's description, in bytes.
pub const NOTE_LIMIT: usize = 16 * 1024;

/// A plugin's note. Unknown fields are ignored, so that later versions may add some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The major version of the contract that the plugin was built for.
    pub abi_major: u32,
    /// The minor version of the contract that the plugin was built for.
    pub abi_minor: u32,
    /// The oldest minor version of a host that the plugin works in.
    pub needs_host_minor: u32,
    /// The name of the plugin.
    pub name: String,
    /// The version of the plugin.
    pub version: String,
    /// The channel types that the plugin offers.
    pub channel_types: Vec<String>,
    /// The version of the SDK.
    pub sdk: String,
    /// The version of the compiler.
    pub rustc: String,
    /// The target triple.
    pub target: String,
    /// The panic strategy: `unwind` or `abort`.
    pub panic: String,
    /// Whether the plugin starts a runtime of its own.
    pub own_runtime: bool,
    /// The channel types to which the same notification may be delivered twice without harm,
    /// because the recipient sees it once. Since 1.1; without it, none.
    #[serde(default)]
    pub idempotent: BTreeMap<String, bool>,
}

/// The error when the bytes of a section are not a note.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// The frame around the text is malformed.
    #[error("its note is malformed: {0}")]
    Frame(&'static str),
    /// The text is not the expected JSON.
    #[error("its note cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

impl Note {
    /// Returns whether the same notification may be delivered twice to a channel of this type
    /// without harm.
    #[must_use]
    pub fn is_idempotent(&self, channel_type: &str) -> bool {
        self.idempotent.get(channel_type).copied().unwrap_or(false)
    }

    /// Parses the bytes of the section.
    ///
    /// # Errors
    /// [`NoteError`] when the frame or the text in it is malformed.
    pub fn parse(section: &[u8]) -> Result<Self, NoteError> {
        Ok(serde_json::from_slice(description(section)?)?)
    }
}

/// The text inside the note's frame.
fn description(section: &[u8]) -> Result<&[u8], NoteError> {
    let word = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = section.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let (Some(owner_size), Some(size), Some(kind)) = (word(0), word(4), word(8)) else {
        return Err(NoteError::Frame("it is shorter than its header"));
    };
    if owner_size != NOTE_OWNER.len() || section.get(12..24) != Some(NOTE_OWNER.as_slice()) {
        return Err(NoteError::Frame("it belongs to somebody else"));
    }
    if u32::try_from(kind) != Ok(NOTE_TYPE) {
        return Err(NoteError::Frame("it has an unknown type"));
    }
    if size > NOTE_LIMIT {
        return Err(NoteError::Frame("it is too long"));
    }
    section
        .get(24..24 + size)
        .ok_or(NoteError::Frame("it is cut off"))
}

/// Returns the number of bytes that [`note_bytes`] needs for these parts.
#[must_use]
pub const fn note_size(parts: &[&str]) -> usize {
    24 + text_size(parts).next_multiple_of(4)
}

/// Returns the number of bytes that the parts have together.
#[must_use]
pub const fn text_size(parts: &[&str]) -> usize {
    let (mut size, mut i) = (0, 0);
    while i < parts.len() {
        size += parts[i].len();
        i += 1;
    }
    size
}

/// Returns the parts as one text, at compile time.
#[must_use]
pub const fn text_bytes<const N: usize>(parts: &[&str]) -> [u8; N] {
    copy_parts(parts, [0; N], 0)
}

/// Returns the note for the parts of its text, with its frame, at compile time.
#[must_use]
pub const fn note_bytes<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut out = [0; N];
    out = copy(out, 0, &(NOTE_OWNER.len() as u32).to_le_bytes());
    out = copy(out, 4, &(text_size(parts) as u32).to_le_bytes());
    out = copy(out, 8, &NOTE_TYPE.to_le_bytes());
    out = copy(out, 12, NOTE_OWNER);
    copy_parts(parts, out, 24)
}

const fn copy<const N: usize>(mut out: [u8; N], at: usize, bytes: &[u8]) -> [u8; N] {
    let mut i = 0;
    while i < bytes.len() {
        out[at + i] = bytes[i];
        i += 1;
    }
    out
}

const fn copy_parts<const N: usize>(parts: &[&str], mut out: [u8; N], mut at: usize) -> [u8; N] {
    let mut i = 0;
    while i < parts.len() {
        out = copy(out, at, parts[i].as_bytes());
        at += parts[i].len();
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: &[&str] = &[
        r#"{"abi_major":1,"abi_minor":0,"needs_host_minor":0,"name":"x","version":"0.1.0","#,
        r#""channel_types":["x"],"sdk":"1.0.0","rustc":"1.88.0","target":"t","panic":"unwind","#,
        r#""own_runtime":false,"from_the_future":[1]}"#,
    ];
    const NOTE: [u8; note_size(PARTS)] = note_bytes(PARTS);

    #[test]
    fn what_is_put_together_can_be_read() {
        let note = Note::parse(&NOTE).unwrap();
        assert_eq!((note.name.as_str(), note.abi_major), ("x", 1));
        assert_eq!(NOTE.len() % 4, 0);
        // One of 1.0 says nothing of this.
        assert!(!note.is_idempotent("x"));
    }

    #[test]
    fn no_prefix_of_a_note_is_a_note() {
        let padding = NOTE.len() - 24 - text_size(PARTS);
        for end in 0..NOTE.len() - padding {
            Note::parse(&NOTE[..end]).unwrap_err();
        }
    }

    #[test]
    fn another_owner_another_type_and_a_huge_size_are_refused() {
        for (at, byte, says) in [
            (12, b'X', "somebody else"),
            (8, 9, "unknown type"),
            (6, 9, "too long"),
        ] {
            let mut note = NOTE;
            note[at] = byte;
            let error = Note::parse(&note).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
