//! An engine with a test's own configuration and real plugins.

use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

#[cfg(feature = "workspace")]
use std::process::{Command, Stdio};

use annunciator::{Engine, EngineBuilder, Isolation, worker::WorkerProgram};
use tempfile::TempDir;

use crate::artefacts::{executable, plugin_folder};

/// The configuration's name in its folder.
const FILE: &str = "heartbeat.yaml";

/// A line of configuration with which an engine makes one attempt only.
const ONCE: &str = "delivery: {retry: {attempts: 1}}\n";

/// The environment variable that, set to `process`, has every rig run its channels in worker
/// processes; this needs Annunciator's own `hbd` beside the tests.
const ISOLATION: &str = "ANNUNCIATOR_ISOLATION";

/// Returns the program that runs plugins in worker processes: `hbd`.
///
/// # Errors
/// Fails if it was not built.
pub fn worker() -> io::Result<WorkerProgram> {
    Ok(WorkerProgram::at(executable("hbd")?))
}

/// A configuration file and a plugin folder.
#[derive(Debug)]
pub struct Rig {
    plugins: TempDir,
    folder: TempDir,
}

impl Rig {
    /// Creates a rig with plugins, by the names of their packages.
    ///
    /// # Errors
    /// Fails if one was not built.
    pub fn new(packages: &[&str]) -> io::Result<Self> {
        Ok(Self {
            plugins: plugin_folder(packages)?,
            folder: tempfile::tempdir()?,
        })
    }

    /// Returns the plugin folder, to which a test may add files.
    #[must_use]
    pub fn plugins(&self) -> &Path {
        self.plugins.path()
    }

    /// Returns the folder for the test's files, in addition to the configuration.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path of the configuration file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// Writes the configuration and returns an engine's builder for it. Unless the configuration
    /// has `delivery` settings of its own, each delivery gets one attempt.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn configured(&self, yaml: &str) -> io::Result<EngineBuilder> {
        let is_said = yaml.lines().any(|line| line.starts_with("delivery:"));
        let once = if is_said { "" } else { ONCE };
        self.exactly(&format!("{yaml}\n{once}"))
    }

    /// Does the same with nothing added to the file.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn exactly(&self, yaml: &str) -> io::Result<EngineBuilder> {
        fs::write(self.file(), yaml)?;
        fs::set_permissions(self.file(), fs::Permissions::from_mode(0o600))?;
        let builder = Engine::builder(self.file()).plugin_dir(self.plugins());
        if env::var_os(ISOLATION).is_some_and(|isolation| isolation == "process") {
            let isolated = builder.worker(worker()?);
            return Ok(isolated.default_isolation(Isolation::Process));
        }
        Ok(builder)
    }

    /// Writes the configuration and starts an engine with it.
    ///
    /// # Errors
    /// Fails with the engine's errors about the configuration.
    pub async fn start(&self, yaml: &str) -> Result<Engine, Box<dyn std::error::Error>> {
        Ok(self.configured(yaml)?.start().await?)
    }

    /// Returns the problems of a configuration with which an engine does not start.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn problems(&self, yaml: &str) -> io::Result<String> {
        Ok(match self.exactly(yaml)?.load() {
            Ok(loaded) => loaded.warnings.to_string(),
            Err(error) => error.to_string(),
        }
        .replace(&self.file().display().to_string(), "heartbeat.yaml"))
    }

    /// Runs `hbd`, the program of Annunciator's workspace, in the rig's folder with its files and
    /// nothing else in its environment. Returns its exit status, standard output and standard
    /// error.
    ///
    /// # Errors
    /// Fails if it cannot be started, was killed, or prints what is not text.
    #[cfg(feature = "workspace")]
    pub fn hbd(&self, program: &str, args: &[&str]) -> io::Result<(i32, String, String)> {
        let output = Command::new(program)
            .env_clear()
            .env("HBD_CONFIG", FILE)
            .env("ANNUNCIATOR_PLUGIN_DIR", self.plugins())
            .current_dir(self.folder())
            .args(args)
            .stdin(Stdio::null())
            .output()?;
        let text = |bytes| String::from_utf8(bytes).map_err(io::Error::other);
        let status = output.status.code();
        let status = status.ok_or_else(|| io::Error::other("it was killed"))?;
        Ok((status, text(output.stdout)?, text(output.stderr)?))
    }
}
