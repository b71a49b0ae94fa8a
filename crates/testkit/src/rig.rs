//! An engine on a configuration of the test's own, with real plugins.

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

/// The configuration, in its folder.
const FILE: &str = "heartbeat.yaml";

/// What has an engine try everything once, in a line of a configuration.
const ONCE: &str = "delivery: {retry: {attempts: 1}}\n";

/// Set to `process`, every rig runs its channels in processes of their own; that takes
/// Annunciator's own `hbd` beside the tests.
const ISOLATION: &str = "ANNUNCIATOR_ISOLATION";

/// The program that runs plugins in processes of their own: `hbd`.
///
/// # Errors
/// When it was not built.
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
    /// With these plugins, by the names of their packages.
    ///
    /// # Errors
    /// When one was not built.
    pub fn new(packages: &[&str]) -> io::Result<Self> {
        Ok(Self {
            plugins: plugin_folder(packages)?,
            folder: tempfile::tempdir()?,
        })
    }

    /// The plugin folder, to add files to.
    #[must_use]
    pub fn plugins(&self) -> &Path {
        self.plugins.path()
    }

    /// A folder for the test's files, besides the configuration's own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// Writes the configuration and answers an engine's builder for it. Unless
    /// the configuration says how deliveries are treated, everything is tried
    /// once.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configured(&self, yaml: &str) -> io::Result<EngineBuilder> {
        let is_said = yaml.lines().any(|line| line.starts_with("delivery:"));
        let once = if is_said { "" } else { ONCE };
        self.exactly(&format!("{yaml}\n{once}"))
    }

    /// The same, with nothing else in the file.
    ///
    /// # Errors
    /// When the file cannot be written.
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

    /// Writes the configuration and starts an engine on it.
    ///
    /// # Errors
    /// What the engine says about the configuration.
    pub async fn start(&self, yaml: &str) -> Result<Engine, Box<dyn std::error::Error>> {
        Ok(self.configured(yaml)?.start().await?)
    }

    /// The problems of a configuration that does not start.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn problems(&self, yaml: &str) -> io::Result<String> {
        Ok(match self.exactly(yaml)?.load() {
            Ok(loaded) => loaded.warnings.to_string(),
            Err(error) => error.to_string(),
        }
        .replace(&self.file().display().to_string(), "heartbeat.yaml"))
    }

    /// Runs `hbd`, the program of Annunciator's workspace, in the rig's folder on its files, with nothing else in its
    /// environment. Answers its exit status, standard output and standard error.
    ///
    /// # Errors
    /// When it cannot be started, was killed, or prints what is no text.
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
