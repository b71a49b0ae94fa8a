//! Checks that the files that settings name exist.
//!
//! A schema declares the purpose of such a file by a keyword of its own: the value of
//! [`FILE_KEYWORD`] is one of the words of [`Purpose`]. A file that does not exist yet is a warning
//! and not an error: it may be created before it is needed, or the configuration may be checked on
//! another machine. Files that ad-hoc definitions name are not checked.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rustix::fs::{Access, access};
use serde_json::Value as Json;

use super::{
    path::FieldPath,
    problem::{Findings, Problem},
    redact::{UNSHOWN, quoted},
    tree::NodeId,
};

/// The keyword of a schema that declares the purpose of a file.
const FILE_KEYWORD: &str = "x-annunciator-file";

/// A setting that names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedFile {
    pub(super) purpose: Purpose,
    pub(super) path: String,
    /// The node in the text.
    pub(super) id: NodeId,
    pub(super) field: FieldPath,
}

/// The purpose of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `read`: the file exists and can be read.
    Read,
    /// `execute`: the file exists and is a program. A name without a slash is searched for in
    /// `PATH`, later and by another program.
    Execute,
    /// `enter`: the file exists and is a folder.
    Enter,
    /// `create`: the folder of the file exists. The file may exist, too.
    Create,
}

impl NamedFile {
    /// Warns if the file is not as its purpose requires. Returns whether it is.
    pub(super) fn check(&self, findings: &mut Findings) -> bool {
        let warning = self.purpose.warning(&self.path);
        let is_well = warning.is_none();
        if let Some(warning) = warning {
            findings.at(self.id, warning.field(self.field.clone()));
        }
        is_well
    }
}

impl Purpose {
    /// Returns the purpose that the schema of a setting declares.
    pub(super) fn of(schema: &Json) -> Option<Self> {
        match schema.get(FILE_KEYWORD)?.as_str()? {
            "read" => Some(Self::Read),
            "execute" => Some(Self::Execute),
            "enter" => Some(Self::Enter),
            "create" => Some(Self::Create),
            _ => None,
        }
    }

    /// Returns what is wrong with the file, as a warning. Reads only the file's metadata and
    /// whether it can be opened, never its content.
    pub(super) fn warning(self, path: &str) -> Option<Problem> {
        let path = Path::new(path);
        let sentence = match self {
            Self::Read => unreadable(path)?,
            Self::Execute if !path.to_string_lossy().contains('/') => return None,
            Self::Execute => no_program(path)?,
            Self::Enter => no_folder(path)?,
            Self::Create => no_place(path)?,
        };
        Some(Problem::warning(sentence))
    }
}

fn unreadable(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        // Opening a pipe could wait for ever.
        Ok(facts) if !facts.is_file() => Some("it is not a file".to_owned()),
        Ok(_) => {
            let error = File::open(path).err()?;
            Some(format!("the file cannot be read here: {}", reason(&error)))
        }
        Err(error) => Some(missing("file", &error)),
    }
}

fn no_program(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Ok(facts) if !facts.is_file() || facts.mode() & 0o111 == 0 => {
            Some("it is not a program: nobody may execute it".to_owned())
        }
        Ok(_) => None,
        Err(error) => Some(missing("program", &error)),
    }
}

fn no_folder(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Ok(facts) if facts.is_dir() => None,
        Ok(_) => Some("it is not a folder".to_owned()),
        Err(error) => Some(missing("folder", &error)),
    }
}

fn no_place(path: &Path) -> Option<String> {
    if fs::metadata(path).is_ok_and(|facts| facts.is_dir()) {
        return Some("it is a folder, not a file".to_owned());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match fs::metadata(folder) {
        Ok(facts) if facts.is_dir() => {
            let is_there = path.symlink_metadata().is_ok();
            let may_write = || access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok();
            let said = || format!("this user may not create files in {}", shown(folder));
            (!is_there && !may_write()).then(said)
        }
        Ok(_) => Some(format!("{} is a file", shown(folder))),
        Err(error) => {
            let folder = shown(folder);
            Some(match error.kind() {
                io::ErrorKind::NotFound => format!("{folder} does not exist: create it"),
                _ => format!("{folder} cannot be inspected here: {}", reason(&error)),
            })
        }
    }
}

/// Returns a file's folder for a sentence. A path that may contain more than a path is not
/// repeated.
fn shown(folder: &Path) -> String {
    match quoted(&folder.to_string_lossy()) {
        unshown if unshown == UNSHOWN => "the file's folder".to_owned(),
        path => format!("the folder {path}"),
    }
}

fn missing(what: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no such {what} here"),
        _ => format!("the {what} cannot be inspected here: {}", reason(error)),
    }
}

/// Returns an error of the operating system without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_that_may_hold_a_secret_is_not_repeated() {
        let path = Path::new("/none, token: s3cret/a");
        assert_eq!(
            said(Purpose::Create, path).as_deref(),
            Some("the file's folder does not exist: create it")
        );
    }

    #[test]
    fn a_folder_in_which_this_user_may_not_create_files_is_named() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500))?;
        // Root may write to any folder.
        let is_root = rustix::process::geteuid().is_root();
        let sentence = format!(
            "this user may not create files in the folder `{}`",
            dir.path().display()
        );
        let expected = (!is_root).then_some(sentence);
        assert_eq!(said(Purpose::Create, &dir.path().join("a")), expected);
        Ok(())
    }

    fn said(purpose: Purpose, path: &Path) -> Option<String> {
        let problem = purpose.warning(path.to_str().unwrap_or_default());
        problem.map(|problem| problem.message)
    }

    #[test]
    fn what_is_looked_for_is_there_or_is_named() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let (file, none) = (dir.path().join("a"), dir.path().join("none"));
        fs::write(&file, "")?;
        assert_eq!(said(Purpose::Read, &file), None);
        assert_eq!(said(Purpose::Create, &file), None);
        assert_eq!(said(Purpose::Create, &none), None);
        assert_eq!(said(Purpose::Create, Path::new("relative")), None);
        assert_eq!(said(Purpose::Enter, dir.path()), None);
        assert_eq!(said(Purpose::Execute, Path::new("signal-cli")), None);
        assert_eq!(said(Purpose::Execute, Path::new("/bin/sh")), None);
        for (purpose, path, sentence) in [
            (Purpose::Read, &none, "there is no such file here"),
            (Purpose::Read, &dir.path().to_owned(), "it is not a file"),
            (Purpose::Execute, &none, "there is no such program here"),
            (
                Purpose::Execute,
                &file,
                "it is not a program: nobody may execute it",
            ),
            (Purpose::Enter, &none, "there is no such folder here"),
            (Purpose::Enter, &file, "it is not a folder"),
            (
                Purpose::Create,
                &dir.path().to_owned(),
                "it is a folder, not a file",
            ),
            (
                Purpose::Create,
                &none.join("a"),
                &format!("the folder `{}` does not exist: create it", none.display()),
            ),
            (
                Purpose::Create,
                &file.join("a"),
                &format!("the folder `{}` is a file", file.display()),
            ),
        ] {
            let said = said(purpose, path);
            assert_eq!(said.as_deref(), Some(sentence), "{purpose:?}");
        }
        Ok(())
    }
}
