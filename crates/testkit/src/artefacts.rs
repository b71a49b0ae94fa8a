//! Finds what cargo built beside the tests: plugins and executables.
//!
//! Test binaries and the plugins that are their dev-dependencies lie in
//! `target/<profile>/deps`, executables one folder above. The environment
//! variable is for those who build elsewhere.

use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Set to a folder to look there first.
pub const OVERRIDE: &str = "ANNUNCIATOR_ARTEFACTS";

/// The path of an executable of the workspace under test.
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

/// A folder with these plugins and no others, which only its owner may write to.
///
/// # Errors
/// When one was not built or cannot be copied.
pub fn plugin_folder(packages: &[&str]) -> io::Result<TempDir> {
    // Else it is as the umask has it.
    let private = fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().permissions(private).tempdir()?;
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
    let linked = fs::hard_link(from, to).and_then(|()| {
        // What was built has the permissions that the umask of then left.
        if fs::metadata(to)?.permissions().mode() & 0o022 == 0 {
            return Ok(());
        }
        permit(to).or_else(|error| fs::remove_file(to).and(Err(error)))
    });
    linked.or_else(|_| copy(from, to))
}

/// A copy that only its owner may write to, whatever the umask was when the original
/// was built: a plugin that others may write to is not loaded.
///
/// # Errors
/// When it cannot be written.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    fs::copy(from, &to)?;
    permit(to.as_ref())
}

/// A copy of a program, to be executed at once. Were it written by this process, a
/// child that another thread starts meanwhile would have it open for writing for a
/// moment, and what somebody writes to is not executed.
///
/// # Errors
/// When it cannot be written.
pub fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let mut copying = Command::new("cp");
    let status = copying.arg("--").arg(from.as_ref()).arg(to.as_ref());
    if !status.status()?.success() {
        return Err(io::Error::other("cp failed, and says why"));
    }
    permit(to.as_ref())
}

fn permit(file: &Path) -> io::Result<()> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
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
                "no {name} beside {}: build it there (`cargo build`, with `--workspace` in a workspace), or name its folder in {OVERRIDE}",
                own.display()
            );
            io::Error::new(io::ErrorKind::NotFound, text)
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_anybody_may_write_to_is_placed_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("original");
        fs::write(&original, "a plugin").unwrap();
        for (name, way) in [
            ("linked", place as fn(&Path, &Path) -> _),
            ("copied", |from, to| copy(from, to)),
        ] {
            fs::set_permissions(&original, fs::Permissions::from_mode(0o777)).unwrap();
            let to = folder.path().join(name);
            way(&original, &to).unwrap();
            assert_eq!(fs::metadata(&to).unwrap().mode() & 0o777, 0o755, "{name}");
        }
        let folder = plugin_folder(&[]).unwrap();
        assert_eq!(fs::metadata(folder).unwrap().mode() & 0o777, 0o700);
    }
}
