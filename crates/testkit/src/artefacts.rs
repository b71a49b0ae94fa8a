//! Finds what cargo built beside the tests: plugins and executables.
//!
//! Test binaries and the plugins that are their dev-dependencies are in `target/<profile>/deps`,
//! executables one folder above. An environment variable names another folder, for builds
//! elsewhere.

use std::{
    env, fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// The environment variable with a folder to search first.
pub const OVERRIDE: &str = "ANNUNCIATOR_ARTEFACTS";

/// Returns the path of an executable of the workspace under test.
///
/// # Errors
/// Fails if it was not built; the text says how to build it.
pub fn executable(name: &str) -> io::Result<PathBuf> {
    find(&format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Returns the path of a plugin, by the name of its package.
///
/// # Errors
/// Fails if it was not built; the text says how to build it.
pub fn plugin(package: &str) -> io::Result<PathBuf> {
    find(&format!(
        "{}{}{}",
        env::consts::DLL_PREFIX,
        package.replace('-', "_"),
        env::consts::DLL_SUFFIX
    ))
}

/// Creates a folder with exactly these plugins, to which only its owner may write.
///
/// # Errors
/// Fails if one was not built or cannot be copied.
pub fn plugin_folder(packages: &[&str]) -> io::Result<TempDir> {
    // Otherwise the umask decides the folder's permissions.
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

/// Links a file if the file system allows it, since plugins of a debug build are large.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    let linked = fs::hard_link(from, to).and_then(|()| {
        // A file that was built has the permissions that the umask at that time left.
        if fs::metadata(to)?.permissions().mode() & 0o022 == 0 {
            return Ok(());
        }
        permit(to).or_else(|error| fs::remove_file(to).and(Err(error)))
    });
    linked.or_else(|_| copy(from, to))
}

/// Copies a file so that only its owner may write to the copy, whatever the umask was when the
/// original was built: a plugin to which others may write is not loaded.
///
/// # Errors
/// Fails if the copy cannot be written.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    fs::copy(from, &to)?;
    permit(to.as_ref())
}

/// Copies a program that is executed at once. If this process wrote the copy itself, a child that
/// another thread starts meanwhile would have it open for writing for a moment, and a file that
/// is open for writing cannot be executed.
///
/// # Errors
/// Fails if the copy cannot be written.
pub fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let mut copying = Command::new("cp");
    let status = copying.arg("--").arg(from.as_ref()).arg(to.as_ref());
    if !status.status()?.success() {
        return Err(io::Error::other("cp failed, and says why"));
    }
    permit(to.as_ref())
}

/// Writes a script that is executed at once, by a process of its own for the reason of
/// [`copy_program`].
///
/// # Errors
/// Fails if the script cannot be written.
pub fn write_program(to: impl AsRef<Path>, text: impl AsRef<str>) -> io::Result<()> {
    let mut writing = Command::new("sh");
    writing.args(["-c", "cat >\"$0\""]).arg(to.as_ref());
    let mut child = writing.stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_ref().as_bytes())?;
    }
    if !child.wait()?.success() {
        return Err(io::Error::other("sh failed, and says why"));
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
