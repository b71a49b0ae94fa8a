//! Builds plugins and hosts against another minor of the contract.
//!
//! The sources of the contract and the SDK are copied, grown by the rules of
//! growth, and built in a target folder of their own, so that nothing of this
//! build can slip in. Takes a minute; hence once for all tests.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::fs::FlockOperation;

/// What grew from 1.0 to 1.1: file, text, what stands there instead.
const GROWTH: [(&str, &str, &str); 9] = [
    (
        "crates/core/src/version.rs",
        "ABI_MINOR: u32 = 0",
        "ABI_MINOR: u32 = 1",
    ),
    (
        "crates/core/src/version.rs",
        "ABI_MINOR_TEXT: &str = \"0\"",
        "ABI_MINOR_TEXT: &str = \"1\"",
    ),
    (
        "crates/core/Cargo.toml",
        "version = \"1.0.0\"",
        "version = \"1.1.0\"",
    ),
    // A code.
    (
        "crates/core/src/code.rs",
        "        CRITICAL = 30 \"critical\",",
        "        CRITICAL = 30 \"critical\",\n        /// Appended in 1.1.\n        PAGE = 40 \"page\",",
    ),
    // A host service.
    (
        "crates/core/src/services.rs",
        "\n}\n\n/// The host as a plugin holds it.",
        "\n
    /// Appended in 1.1.
    fn weather(&self) -> FfiFuture<RResult<RString, HostErrorV1>> {
        use async_ffi::FutureExt as _;
        let detail = \"this host does not offer the weather\".into();
        let error = HostErrorV1 { kind: HostErrorKind::UNSUPPORTED, maybe_sent: false, detail };
        std::future::ready(abi_stable::std_types::RErr(error)).into_ffi()
    }\n}\n\n/// The host as a plugin holds it.",
    ),
    // A method of providers.
    (
        "crates/core/src/provider.rs",
        "    fn close(&self) -> FfiFuture<()>;",
        "    fn close(&self) -> FfiFuture<()>;\n
    /// Appended in 1.1.
    fn receipt(&self) -> u32 {
        7
    }",
    ),
    // A field of the root module.
    (
        "crates/core/src/module.rs",
        "    pub open: extern \"C\" fn(OpenRequestV1) -> FfiFuture<OpenResult>,",
        "    pub open: extern \"C\" fn(OpenRequestV1) -> FfiFuture<OpenResult>,\n
    /// Appended in 1.1.
    pub extra: extern \"C\" fn() -> u32,",
    ),
    // The SDK of 1.1, and a plugin that uses what is new.
    (
        "crates/sdk/src/shell.rs",
        "    fn close(&self) -> FfiFuture<()> {",
        "    fn receipt(&self) -> u32 {\n        8\n    }\n
    fn close(&self) -> FfiFuture<()> {",
    ),
    (
        "crates/sdk/src/host.rs",
        "    /// Waits by the host's clock.",
        "    /// Appended in 1.1.
    pub async fn weather(&self) -> Result<String, HostError> {
        result(self.0.weather().await).map(String::from)
    }\n
    /// Waits by the host's clock.",
    ),
];

/// What the build of another minor gave.
#[derive(Debug)]
pub struct Museum {
    /// The steady fixture, built for 1.1 and using its new host service.
    pub newer_plugin: PathBuf,
    /// A host that offers 1.1.
    pub newer_host: PathBuf,
}

/// Builds everything in a folder that outlives the test run, as cargo's own
/// target folder does.
///
/// # Errors
/// When something cannot be copied, changed or built.
pub fn build(folder: &Path) -> io::Result<Museum> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let source = folder.join("source");
    // Several tests may build at once, each in a process of its own: the lock is
    // given back when the file is closed.
    fs::create_dir_all(folder)?;
    let lock = fs::File::create(folder.join("lock"))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
    for part in ["crates/core", "crates/sdk", "tests/fixtures/steady"] {
        copy(&root.join(part), &source.join(part))?;
    }
    copy(&root.join("tests/museum"), &source.join("museum-host"))?;
    fs::copy(root.join("Cargo.lock"), source.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let manifest: String = manifest
        .lines()
        .filter(|line| !line.starts_with("default-members"))
        .map(|line| {
            if line.starts_with("members") {
                "members = [\"crates/*\", \"tests/fixtures/*\", \"museum-host\"]\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    fs::write(source.join("Cargo.toml"), manifest)?;
    for (file, old, new) in GROWTH {
        replace(&source.join(file), old, new)?;
    }
    let export = source.join("crates/sdk/src/export.rs");
    replace(&export, "validate, open })", "validate, open, extra })")?;
    replace(
        &export,
        "            fn module() ->",
        "            extern \"C\" fn extra() -> u32 { 42 }\n            fn module() ->",
    )?;
    steady(&source.join("tests/fixtures/steady/src/lib.rs"))?;
    let target = folder.join("target");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--offline",
            "-p",
            "fixture-steady",
            "-p",
            "museum-host",
        ])
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    Ok(Museum {
        newer_plugin: target.join("debug").join("libfixture_steady.so"),
        newer_host: target.join("debug").join("museum-host"),
    })
}

/// The fixture asks its host for the weather and says the answer.
fn steady(file: &Path) -> io::Result<()> {
    replace(
        file,
        "            return vec![Outcome::delivered(\"steady\").id(&self.config.text)];",
        "            let weather = self.host.weather().await;
            let weather = weather.unwrap_or_else(|error| error.to_string());
            return vec![Outcome::delivered(\"steady\").id(format!(\"{}, {weather}\", self.config.text))];",
    )
}

fn replace(file: &Path, old: &str, new: &str) -> io::Result<()> {
    let text = fs::read_to_string(file)?;
    if !text.contains(old) {
        let message = format!("{} has no such text any more: {old}", file.display());
        return Err(io::Error::other(message));
    }
    fs::write(file, text.replacen(old, new, 1))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
