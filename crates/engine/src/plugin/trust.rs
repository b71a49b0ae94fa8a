//! Who may have had a hand in a file: its owner, and whoever may write to it or
//! to a folder on the way to it.
//!
//! What the file system's permissions say is all that is looked at; access
//! control lists are not.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Whether a plugin is used that others than root and the user of this program
/// could have changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trust {
    /// It is not.
    #[default]
    Strict,
    /// It is, and told.
    Warn,
}

/// What gives others a hand in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// The file, or a folder on the way to it.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It belongs to another user, of this number.
    Owner(u32),
    /// Others may write to it; these are its permissions.
    Writable(u32),
    /// It cannot be looked at.
    Unseen,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.why {
            Why::Owner(user) => write!(
                f,
                "{path} belongs to the user {user}, neither to root nor to the user of this \
                 program: `chown root {path}` if its content is what it should be"
            ),
            Why::Writable(mode) => write!(
                f,
                "others may write to {path} (permissions {:03o}): `chmod go-w {path}`",
                mode & 0o7777
            ),
            Why::Unseen => write!(f, "{path} cannot be looked at"),
        }
    }
}

/// Looks at an open file and at the folders on the way to it: those of the path
/// that was asked for, and those of the file itself.
pub(super) fn look(asked: &Path, real: &Path, file: &fs::Metadata) -> Option<Distrust> {
    let found = judge(real, file);
    let asked = std::path::absolute(asked).unwrap_or_else(|_| asked.to_owned());
    let folders = [real, &asked].into_iter();
    let folders = folders.flat_map(|path| path.ancestors().skip(1).map(Path::to_owned));
    found.or_else(|| folders.into_iter().find_map(|folder| judge_folder(&folder)))
}

fn judge_folder(path: &Path) -> Option<Distrust> {
    match fs::metadata(path) {
        Ok(facts) => judge(path, &facts),
        Err(_) => Some(Distrust {
            path: path.to_owned(),
            why: Why::Unseen,
        }),
    }
}

fn judge(path: &Path, facts: &fs::Metadata) -> Option<Distrust> {
    let me = rustix::process::geteuid().as_raw();
    let mode = facts.mode();
    // In such a folder nobody can take away or replace what is another's.
    let is_sticky = facts.is_dir() && mode & 0o1000 != 0;
    let why = if ![0, me].contains(&facts.uid()) {
        Why::Owner(facts.uid())
    } else if mode & 0o022 != 0 && !is_sticky {
        Why::Writable(mode)
    } else {
        return None;
    };
    Some(Distrust {
        path: path.to_owned(),
        why,
    })
}
