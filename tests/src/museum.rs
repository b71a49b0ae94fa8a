//! Builds plugins and hosts against another minor of the contract.
//!
//! The sources of the contract and the SDK are copied, grown by the rules of
//! growth, and built in a target folder of their own, so that nothing of this
//! build can slip in. Takes a minute; hence once for all tests.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::apart::{self, Source};

/// The growth from 1.1 to 1.2: the file, the code to replace, and its replacement. Comments are not
/// matched, since their words may change.
const GROWTH: [(&str, &str, &str); 9] = [
    (
        "crates/core/src/version.rs",
        "ABI_MINOR: u32 = 1",
        "ABI_MINOR: u32 = 2",
    ),
    (
        "crates/core/src/version.rs",
        "ABI_MINOR_TEXT: &str = \"1\"",
        "ABI_MINOR_TEXT: &str = \"2\"",
    ),
    (
        "crates/core/Cargo.toml",
        "version = \"1.1.0\"",
        "version = \"1.2.0\"",
    ),
    // A code.
    (
        "crates/core/src/code.rs",
        "        CRITICAL = 30 \"critical\",",
        "        CRITICAL = 30 \"critical\",\n        /// Appended in 1.2.\n        PAGE = 40 \"page\",",
    ),
    // A host service.
    (
        "crates/core/src/services.rs",
        "            detail,\n        })\n    }\n}",
        "            detail,\n        })\n    }\n
    /// Appended in 1.2.
    fn weather(&self) -> FfiFuture<RResult<RString, HostErrorV1>> {
        use async_ffi::FutureExt as _;
        let detail = \"this host does not offer the weather\".into();
        let error = HostErrorV1 { kind: HostErrorKind::UNSUPPORTED, maybe_sent: false, detail };
        std::future::ready(abi_stable::std_types::RErr(error)).into_ffi()
    }
}",
    ),
    // A method of providers.
    (
        "crates/core/src/provider.rs",
        "    fn close(&self) -> FfiFuture<()>;",
        "    fn close(&self) -> FfiFuture<()>;\n
    /// Appended in 1.2.
    fn receipt(&self) -> u32 {
        7
    }",
    ),
    // A field of the root module.
    (
        "crates/core/src/module.rs",
        "    pub proofs: extern \"C\" fn(RStr<'_>, RStr<'_>) -> RString,",
        "    pub proofs: extern \"C\" fn(RStr<'_>, RStr<'_>) -> RString,\n
    /// Appended in 1.2.
    pub extra: extern \"C\" fn() -> u32,",
    ),
    // The SDK of 1.2, and a plugin that uses what is new.
    (
        "crates/sdk/src/shell.rs",
        "    fn close(&self) -> FfiFuture<()> {",
        "    fn receipt(&self) -> u32 {\n        8\n    }\n
    fn close(&self) -> FfiFuture<()> {",
    ),
    (
        "crates/sdk/src/host.rs",
        "\nimpl Host {\n",
        "\nimpl Host {
    /// Appended in 1.2.
    pub async fn weather(&self) -> Result<String, HostError> {
        result(self.0.weather().await).map(String::from)
    }\n\n",
    ),
];

/// What the build of another minor gave.
#[derive(Debug)]
pub struct Museum {
    /// The steady fixture, built for 1.2 and using its new host service.
    pub newer_plugin: PathBuf,
    /// A host that offers 1.2.
    pub newer_host: PathBuf,
}

/// Builds everything in a folder that outlives the test run, as cargo's own
/// target folder does.
///
/// # Errors
/// When something cannot be copied, changed or built.
pub fn build(folder: &Path) -> io::Result<Museum> {
    let _alone = apart::lock(folder)?;
    let source = grown()?;
    let built = source.build(folder, "source", &["fixture-steady", "museum-newer-host"])?;
    Ok(Museum {
        newer_plugin: built.join("libfixture_steady.so"),
        newer_host: built.join("museum-newer-host"),
    })
}

/// Returns the sources of 1.2, without building them.
///
/// # Errors
/// Fails if a file cannot be read, or if code to replace is not there any more.
pub fn grown() -> io::Result<Source> {
    let root = apart::root();
    let mut source = Source::default();
    for part in ["crates/core", "crates/sdk", "tests/fixtures/steady"] {
        source.take(&root.join(part), part)?;
    }
    source.take(&root.join("tests/museum/newer-host"), "newer-host")?;
    source.workspace(&root, r#"["crates/*", "tests/fixtures/*", "newer-host"]"#)?;
    for (file, old, new) in GROWTH {
        source.replace(file, old, new)?;
    }
    let export = "crates/sdk/src/export.rs";
    source.replace(export, "open, proofs })", "open, proofs, extra })")?;
    source.replace(
        export,
        "            fn module() ->",
        "            extern \"C\" fn extra() -> u32 { 42 }\n            fn module() ->",
    )?;
    // The fixture asks its host for the weather and says the answer.
    source.replace(
        "tests/fixtures/steady/src/lib.rs",
        "            return vec![Outcome::delivered(\"steady\").id(&self.config.text)];",
        "            let weather = self.host.weather().await;
            let weather = weather.unwrap_or_else(|error| error.to_string());
            return vec![Outcome::delivered(\"steady\").id(format!(\"{}, {weather}\", self.config.text))];",
    )?;
    Ok(source)
}
