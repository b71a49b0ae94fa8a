//! Remembers over restarts which boots were announced, in a small file.
//!
//! The file is optional. Without it the boot is announced again, which a monitor accepts
//! once; hence no error of the file ends the sender.

use std::{
    env, fs,
    fs::{DirBuilder, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    process,
};

use rustix::process::getuid;

/// The file's name in the sender's folder.
const FILE: &str = "boots";

/// The maximum number of boots, hosts and monitors that are remembered; the latest are
/// kept.
const MAX_LINES: usize = 100;

/// The maximum number of bytes that are read of the file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What was announced, one line each. There may be no file for it.
#[derive(Debug)]
pub(super) struct Memory {
    file: Option<PathBuf>,
}

impl Memory {
    /// Uses this file, or one in the first usable folder.
    pub(super) fn open(file: Option<&Path>) -> Self {
        let file = match file {
            Some(file) => Some(file.to_owned()),
            None => folders()
                .into_iter()
                .find(|folder| is_usable(folder))
                .map(|folder| folder.join(FILE)),
        };
        Self { file }
    }

    /// Returns whether the line is stored.
    pub(super) fn holds(&self, line: &str) -> bool {
        self.lines().iter().any(|kept| kept == line)
    }

    /// Stores this line, and keeps other lines that begin with `beside`.
    pub(super) fn keep(&self, line: &str, beside: &str) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Err(io::Error::other("no folder can be used"));
        };
        let mut lines = self.lines();
        lines.retain(|kept| kept != line && kept.starts_with(beside));
        lines.push(line.to_owned());
        let first = lines.len().saturating_sub(MAX_LINES);
        let text = format!("{}\n", lines[first..].join("\n"));
        // Written to another file and renamed, so that a reader never sees a part.
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let aside = file.with_file_name(format!(".{name}.{}", process::id()));
        let written = write_new(&aside, &text).and_then(|()| fs::rename(&aside, file));
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written
    }

    /// Returns the file's path for messages.
    pub(super) fn place(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => "a file".to_owned(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let read = |file: &PathBuf| {
            let mut text = String::new();
            let file = File::open(file)?;
            file.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
            Ok::<_, io::Error>(text)
        };
        let text = self.file.as_ref().and_then(|file| read(file).ok());
        let text = text.unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Creates a file without following a link that somebody else may have placed there.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let _ = fs::remove_file(file);
    File::create_new(file)?.write_all(text.as_bytes())
}

/// Returns the candidates for the sender's folder, in the order of preference.
fn folders() -> Vec<PathBuf> {
    let user = getuid().as_raw();
    let runtime = env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    runtime
        .map(|folder| Path::new(&folder).join("hbc"))
        .into_iter()
        .chain([
            PathBuf::from("/run/hbc"),
            env::temp_dir().join(format!("hbc-{user}")),
        ])
        .collect()
}

/// Returns whether this is a folder of this user; creates it if it is missing. A folder of
/// another user in a place where everybody may write is not trusted.
fn is_usable(folder: &Path) -> bool {
    let _ = DirBuilder::new().mode(0o700).create(folder);
    fs::symlink_metadata(folder)
        .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == getuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_boots_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(Some(&folder.path().join("boots")));
        assert!(!memory.holds("b1 web monitor:1"));
        memory.keep("b1 web monitor:1", "b1 ").unwrap();
        memory.keep("b1 web monitor:2", "b1 ").unwrap();
        memory.keep("b1 web monitor:2", "b1 ").unwrap();
        assert!(memory.holds("b1 web monitor:1") && memory.holds("b1 web monitor:2"));
        assert_eq!(memory.lines().len(), 2);
        memory.keep("b2 web monitor:1", "b2 ").unwrap();
        assert_eq!(memory.lines(), ["b2 web monitor:1"]);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn when_very_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(Some(&folder.path().join("boots")));
        for at in 0..MAX_LINES + 5 {
            memory.keep(&format!("b1 {at}"), "b1 ").unwrap();
        }
        assert_eq!(memory.lines().len(), MAX_LINES);
        assert!(memory.holds("b1 104") && !memory.holds("b1 4"));
    }

    #[test]
    fn when_the_file_cannot_be_used() {
        let memory = Memory::open(Some(Path::new("/nowhere/boots")));
        assert!(!memory.holds("b1"));
        assert!(memory.keep("b1", "b1").is_err());
        assert!(memory.place().contains("/nowhere/boots"));
    }

    #[test]
    fn when_the_file_is_not_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("boots");
        fs::write(&file, b"\xff\xfe").unwrap();
        let memory = Memory::open(Some(&file));
        assert!(!memory.holds("b1"));
        memory.keep("b1", "b1").unwrap();
        assert!(memory.holds("b1"));
    }
}
