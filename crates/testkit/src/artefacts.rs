//! Finds what cargo built beside the tests: plugins and executables.
//!
//! Test binaries and the plugins that are their dev-dependencies lie in
//! `target/<profile>/deps`, executables one folder above. The environment
//! variable is for those who build elsewhere.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// Set to a folder to look there first.
pub const OVERRIDE: &str = "ANNUNCIATOR_ARTEFACTS";

/// The path of an executable of this workspace.
///
/// # Errors
/// When it was not built; the text says how to.
pub fn executable(name: &str) -> io::Result<PathBuf> {
    find(&format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// The path of a plugin, by the name of its package.
///
/// # Errors
/// When it was not built; the text says how to.
pub fn plugin(package: &str) -> io::Result<PathBuf> {
    find(&format!(
        "{}{}{}",
        env::consts::DLL_PREFIX,
        package.replace('-', "_"),
        env::consts::DLL_SUFFIX
    ))
}

/// A folder with these plugins and no others.
///
/// # Errors
/// When one was not built or cannot be copied.
pub fn plugin_folder(packages: &[&str]) -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for package in packages {
        let path = plugin(package)?;
        place(
            &path,
            &folder.path().join(path.file_name().unwrap_or_default()),
        )?;
    }
    Ok(folder)
}

/// A link where the file system allows it: plugins of a debug build are large.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

fn find(name: &str) -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    let beside = own.ancestors().skip(1).take(3).map(Path::to_owned);
    env::var_os(OVERRIDE)
        .map(PathBuf::from)
        .into_iter()
        .chain(beside)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let text = format!(
                "no {name} beside {}: run `cargo build --workspace`, or name its folder in {OVERRIDE}",
                own.display()
            );
            io::Error::new(io::ErrorKind::NotFound, text)
        })
}
