//! Builds the plugins and a host of contract 1.0 from sources that are frozen.
//!
//! `tests/museum/1.0` holds the contract, the SDK and the shipped plugins as they
//! were when 1.0 was the last minor. Nobody changes them: they stand for what
//! people have built and do not build again.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::apart::{self, Source};

/// What the build of 1.0 gave.
#[derive(Debug)]
pub struct Frozen {
    /// A host that offers 1.0.
    pub host: PathBuf,
    folder: PathBuf,
}

impl Frozen {
    /// The plugin of a package that was built.
    #[must_use]
    pub fn plugin(&self, package: &str) -> PathBuf {
        self.folder
            .join(format!("lib{}.so", package.replace('-', "_")))
    }
}

/// Builds the host and these plugins, beside what [`museum`](crate::museum) builds.
///
/// # Errors
/// When something cannot be copied or built.
pub fn build(folder: &Path, packages: &[&str]) -> io::Result<Frozen> {
    let root = apart::root();
    let _alone = apart::lock(folder)?;
    let mut source = Source::default();
    let then = root.join("tests/museum/1.0");
    source.take(&then.join("crates"), "crates")?;
    source.take(&then.join("plugins"), "plugins")?;
    source.take(&root.join("tests/museum/host-1.0"), "host")?;
    source.workspace(&then, r#"["crates/*", "plugins/*", "host"]"#)?;
    source.without_tests();
    let packages = [packages, &["museum-host-1-0"]].concat();
    let folder = source.build(folder, "1.0", &packages)?;
    Ok(Frozen {
        host: folder.join("museum-host-1-0"),
        folder,
    })
}
