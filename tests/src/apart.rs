//! Builds other versions of this workspace's crates, in folders of their own, so
//! that nothing of this build can slip in.
//!
//! What is built is put together from copies of files, changed in memory and
//! written only where they differ, so that cargo builds them once.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::fs::FlockOperation;

/// The root of this workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Keeps other processes out of a folder until it is dropped: several tests may
/// build at once.
///
/// # Errors
/// When the folder cannot be made or locked.
pub fn lock(folder: &Path) -> io::Result<fs::File> {
    fs::create_dir_all(folder)?;
    let lock = fs::File::create(folder.join("lock"))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// The files of a workspace, by their paths in it.
#[derive(Debug, Default)]
pub struct Source(BTreeMap<PathBuf, String>);

impl Source {
    /// Takes a folder of texts.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn take(&mut self, from: &Path, to: impl AsRef<Path>) -> io::Result<()> {
        for entry in from.read_dir()? {
            let entry = entry?;
            let to = to.as_ref().join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.take(&entry.path(), to)?;
            } else {
                self.0.insert(to, fs::read_to_string(entry.path())?);
            }
        }
        Ok(())
    }

    /// Takes the manifest of a workspace, with these members, and the versions of
    /// other people's crates that this one is built with: they are there.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn workspace(&mut self, of: &Path, members: &str) -> io::Result<()> {
        let manifest = fs::read_to_string(of.join("Cargo.toml"))?;
        let lines = manifest
            .lines()
            .filter(|line| !line.starts_with("default-members"));
        let lines = lines.map(|line| match line.starts_with("members") {
            true => format!("members = {members}\n"),
            false => format!("{line}\n"),
        });
        self.0.insert("Cargo.toml".into(), lines.collect());
        let versions = fs::read_to_string(root().join("Cargo.lock"))?;
        self.0.insert("Cargo.lock".into(), versions);
        Ok(())
    }

    /// Puts one text in the place of another that has to be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn replace(&mut self, file: impl AsRef<Path>, old: &str, new: &str) -> io::Result<()> {
        let file = file.as_ref();
        match self.0.get_mut(file) {
            Some(text) if text.contains(old) => {
                *text = text.replacen(old, new, 1);
                Ok(())
            }
            _ => {
                let message = format!("{} has no such text any more: {old}", file.display());
                Err(io::Error::other(message))
            }
        }
    }

    /// Takes what is needed for tests only out of all manifests.
    pub fn without_tests(&mut self) {
        for (_, text) in self
            .0
            .iter_mut()
            .filter(|(path, _)| path.ends_with("Cargo.toml"))
        {
            let mut keep = true;
            let lines = text.lines().filter(|line| {
                if line.starts_with('[') {
                    keep = *line != "[dev-dependencies]";
                }
                keep
            });
            *text = lines.flat_map(|line| [line, "\n"]).collect();
        }
    }

    /// Writes what differs to a folder below `folder` and builds packages of it.
    /// Answers where the artefacts lie. The target folder is one for all, since
    /// the crates of other people are.
    ///
    /// # Errors
    /// When it cannot be written or built.
    pub fn build(&self, folder: &Path, name: &str, packages: &[&str]) -> io::Result<PathBuf> {
        let source = folder.join(name);
        for (path, text) in &self.0 {
            let path = source.join(path);
            if fs::read_to_string(&path).is_ok_and(|there| there == *text) {
                continue;
            }
            fs::create_dir_all(path.parent().unwrap_or(&source))?;
            fs::write(&path, text)?;
        }
        let target = folder.join("target");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let packages = packages.iter().flat_map(|package| ["--package", package]);
        let output = Command::new(cargo)
            .args(["build", "--offline"])
            .args(packages)
            .current_dir(&source)
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS")
            .output()?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(why));
        }
        Ok(target.join("debug"))
    }
}
