//! Projects outside of this workspace, as people write them elsewhere: what their cargo
//! must not hear of ours.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Has a command, which runs cargo or a shell that does, know nothing of the cargo that runs the test:
/// what that tells its own tests is not for the project. `shared` is a folder for what projects depend
/// on, which is built once for all of them.
pub fn prepare(command: &mut Command, shared: &Path) {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_") && name != "CARGO_HOME" {
            command.env_remove(&*name);
        }
    }
    command.env_remove("RUSTFLAGS");
    command.env("CARGO_BUILD_BUILD_DIR", shared);
}

/// A project in a folder of its own, which goes with it.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
    shared: PathBuf,
}

impl Project {
    /// An empty one, with the versions of other people's crates in a lock file: they are
    /// there, so that nothing is asked of a registry.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(lock_file: &Path, shared: &Path) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::copy(lock_file, folder.path().join("Cargo.lock"))?;
        let shared = shared.to_owned();
        Ok(Self { folder, shared })
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of it, and the folders above.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap_or(self.folder.path()))?;
        fs::write(path, text)
    }

    /// Runs `cargo`, without a network. Answers what it says on standard output.
    ///
    /// # Errors
    /// When it fails: all that it says.
    pub fn cargo(&self, args: &[&str]) -> io::Result<String> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        prepare(&mut command, &self.shared);
        let output = command
            .args(args)
            .arg("--offline")
            .current_dir(self.folder.path())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("{said}\n{why}")))
    }
}
