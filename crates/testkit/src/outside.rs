//! Projects outside of this workspace, as people write them elsewhere, shielded from the cargo
//! that runs the tests.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Hides the cargo that runs the test from a command that runs cargo, or a shell that does: the
/// variables that cargo sets for its own tests are not meant for the project. `shared` is a
/// folder for the projects' dependencies, which are built once for all of them.
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

/// A project in a folder of its own, which is deleted with this value.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
    shared: PathBuf,
}

impl Project {
    /// Creates an empty project whose lock file has the versions of third-party crates that are
    /// already present, so that no registry is asked.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn new(lock_file: &Path, shared: &Path) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::copy(lock_file, folder.path().join("Cargo.lock"))?;
        let shared = shared.to_owned();
        Ok(Self { folder, shared })
    }

    /// Returns the project's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the project, and creates the folders above it.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap_or(self.folder.path()))?;
        fs::write(path, text)
    }

    /// Runs `cargo` without a network, and returns its standard output.
    ///
    /// # Errors
    /// Fails with all of its output if cargo fails.
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
