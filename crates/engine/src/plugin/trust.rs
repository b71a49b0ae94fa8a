//! Trust in a file: who could have changed it. That is its owner, and everyone who may write to it
//! or to a folder that contains it. The owner's private group counts as the owner.
//!
//! Only the permissions of the file system are examined, not access control lists.

use std::{
    borrow::Cow,
    fmt, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::private_group::is_private;

/// Whether a plugin is used that users other than root and the user of this program could have
/// changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trust {
    /// The plugin is not used.
    #[default]
    Strict,
    /// The plugin is used, with a warning.
    Warn,
}

/// The reason why other users could have changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// The path of the file, or of a folder that contains it, directly or not.
    pub path: PathBuf,
    /// What is wrong with the file or folder.
    pub why: Why,
}

/// What is wrong with a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Another user owns it. The value is the user's identifier.
    Owner(u32),
    /// Other users may write to it. The value is its permissions.
    Writable(u32),
    /// A group may write to it that is not known to be the owner's private group.
    Group {
        /// The identifier of the group.
        group: u32,
        /// The permissions.
        mode: u32,
    },
    /// Its owner and permissions cannot be read.
    Unseen,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let typed = typed(&self.path);
        match self.why {
            Why::Owner(user) => write!(
                f,
                "{path} belongs to the user {user}, neither to root nor to the user of this \
                 program: `chown root {typed}` if its content is what it should be"
            ),
            Why::Writable(mode) => write!(
                f,
                "others may write to {path} (permissions {:03o}): `chmod go-w {typed}`",
                mode & 0o7777
            ),
            Why::Group { group, mode } => write!(
                f,
                "the group {group} may write to {path} (permissions {:03o}), and is not known \
                 to be its owner's alone: `chmod g-w {typed}`",
                mode & 0o7777
            ),
            Why::Unseen => write!(f, "{path} cannot be inspected"),
        }
    }
}

/// Checks an open file and the folders that contain it: those on the requested path and those on
/// the path of the file itself.
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
    let access = Access {
        owner: facts.uid(),
        group: facts.gid(),
        mode: facts.mode(),
        // In a sticky folder, a user cannot remove or replace the files of others.
        is_sticky: facts.is_dir() && facts.mode() & 0o1000 != 0,
    };
    Some(Distrust {
        path: path.to_owned(),
        why: access.judge(me, is_private)?,
    })
}

/// The owner of a file or a folder, and the users who may write to it.
#[derive(Clone, Copy)]
struct Access {
    owner: u32,
    group: u32,
    mode: u32,
    is_sticky: bool,
}

impl Access {
    /// Checks the owner and permissions for a program of this user. Calls `is_private` only if the
    /// result depends on it.
    fn judge(self, me: u32, is_private: impl Fn(u32, u32) -> bool) -> Option<Why> {
        let Self {
            owner, group, mode, ..
        } = self;
        let writes = |who: u32| mode & who != 0 && !self.is_sticky;
        if ![0, me].contains(&owner) {
            Some(Why::Owner(owner))
        } else if writes(0o002) {
            Some(Why::Writable(mode))
        } else if writes(0o020) && !is_private(group, owner) {
            Some(Why::Group { group, mode })
        } else {
            None
        }
    }
}

/// Returns a path as it is typed in a shell.
pub(crate) fn typed(path: &Path) -> String {
    let text = path.to_string_lossy();
    // Only NUL bytes cannot be quoted, and no path has one.
    shlex::try_quote(&text).map_or_else(|_| "FILE".to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    #[test]
    fn whoever_may_write_is_the_owner_or_a_reason() {
        let group = |group, mode| Some(Why::Group { group, mode });
        // Owner, group, permissions, whether it is a sticky folder; the reason. The private groups
        // are 0 of root and 1000 of the user.
        let cases = [
            (ME, ME, 0o644, false, None),
            (ME, ME, 0o664, false, None),
            (ME, ME, 0o666, false, Some(Why::Writable(0o666))),
            (ME, ME, 0o602, false, Some(Why::Writable(0o602))),
            (ME, 50, 0o664, false, group(50, 0o664)),
            (ME, 50, 0o644, false, None),
            // Root's private group is not this user's, and the other way round.
            (ME, 0, 0o664, false, group(0, 0o664)),
            (0, ME, 0o664, false, group(ME, 0o664)),
            (0, 0, 0o775, false, None),
            (0, 50, 0o775, false, group(50, 0o775)),
            (0, 0, 0o1777, true, None),
            (0, 50, 0o1775, true, None),
            // The sticky bit of a file does not protect it.
            (0, 0, 0o1777, false, Some(Why::Writable(0o1777))),
            (1001, 1001, 0o600, false, Some(Why::Owner(1001))),
            (1001, ME, 0o1777, true, Some(Why::Owner(1001))),
        ];
        for (owner, group, mode, is_sticky, reason) in cases {
            let access = Access {
                owner,
                group,
                mode,
                is_sticky,
            };
            let is_private = |group, owner| group == owner && [0, ME].contains(&owner);
            let found = access.judge(ME, is_private);
            assert_eq!(found, reason, "{owner}:{group} {mode:o}");
        }
    }

    #[test]
    fn a_path_with_blanks_or_quotes_can_be_pasted() {
        let said = |path: &str, why| {
            let path = PathBuf::from(path);
            Distrust { path, why }.to_string()
        };
        let group = Why::Group {
            group: 50,
            mode: 0o100_664,
        };
        assert_eq!(
            said("/home/a user/x.so", group),
            "the group 50 may write to /home/a user/x.so (permissions 664), and is not known to \
             be its owner's alone: `chmod g-w '/home/a user/x.so'`"
        );
        let why = Why::Writable(0o777);
        assert!(said("/o'x/é", why).ends_with("`chmod go-w \"/o'x/é\"`"));
    }
}
