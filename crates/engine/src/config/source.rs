//! Reads a file into the tree of its content.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{
    not_yaml,
    problem::{Findings, Problem, Problems},
    read::parse,
    section::Section,
    top_level::KEYS,
    tree::{Node, Tree},
};

/// The engine's keys below the top level. They are names, never secrets.
const KEYS_BELOW: [&str; 8] = [
    "type",
    "delivery",
    "notification_channels",
    "threshold_config",
    "watch",
    "dyndns",
    "dirs",
    "trust",
];

/// The maximum size of a file, in bytes. A larger one was named by mistake.
const MAX_FILE_SIZE: u64 = 256 * 1024 * 1024;

/// The error when a file cannot be read or its content cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The content of the file is wrong.
    #[error("{0}")]
    Problems(Box<Problems>),
}

/// Returns the text of a file, and its permissions.
pub(super) fn text_of(path: &Path) -> Result<(String, u32), ReadError> {
    let unreadable = |source| ReadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let facts = fs::metadata(path).map_err(unreadable)?;
    if facts.len() > MAX_FILE_SIZE {
        return Err(unreadable(io::Error::other(format!(
            "it has more than {MAX_FILE_SIZE} bytes"
        ))));
    }
    let mut text = fs::read_to_string(path).map_err(unreadable)?;
    // Editors on Windows write a byte order mark at the beginning.
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok((text, facts.mode()))
}

/// Returns the tree of a text.
pub(super) fn tree_of(path: &Path, text: &str, sections: &[Section]) -> Result<Tree, Problems> {
    parse(text).map_err(|error| {
        let declared = sections.iter().flat_map(Section::keys);
        let names = KEYS.into_iter().chain(KEYS_BELOW).chain(declared);
        not_yaml::problem(path, text, &error, names)
    })
}

/// Returns the root of a tree, and the problems that are already known.
pub(super) fn begin(tree: Tree, sections: &[Section]) -> (Node, Findings) {
    let mut findings = Findings::default();
    let left_out = tree.left_out.into_iter();
    left_out.for_each(|id| findings.secret(id, false));
    for (duplicate, key) in tree.duplicates {
        let declared = sections.iter().flat_map(Section::keys);
        let mut names = KEYS.into_iter().chain(KEYS_BELOW).chain(declared);
        // Any other key may be pasted text, and it is not known yet which key is a secret's.
        let which = if names.any(|name| *name == *key) {
            format!("the key `{key}`")
        } else {
            "this key".to_owned()
        };
        let problem = Problem::error(format!("{which} is given twice"));
        findings.at(
            duplicate,
            problem.help("merge the two, or give one of them another name"),
        );
    }
    (tree.root, findings)
}
