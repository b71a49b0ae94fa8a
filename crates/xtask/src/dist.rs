//! A folder to install: `hbd`, its plugins beside it, the sender `hbc`, and the SDK, where `hbd
//! plugins new` finds it. Everybody may read it and only its owner may write to it, whatever the
//! umask: `hbd` loads no plugin to which others may write.

use std::{
    env,
    error::Error,
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
};

use crate::build::{self, PLUGINS};

pub(crate) fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    // Before the build, which takes minutes.
    make_folder(folder)
        .and_then(|()| try_to_write(folder))
        .map_err(|error| {
            let folder = folder.display();
            format!(
                "{folder} cannot be written: {error}; name a folder that you may write to, or make this one as root"
            )
        })?;
    build::release()?;
    // This command runs from target/debug; the release build is beside that.
    let own = env::current_exe()?;
    let target = own
        .ancestors()
        .nth(2)
        .ok_or("this command does not run from a target folder")?;
    let release = target.join("release");
    let plugins = PLUGINS.iter().map(|package| {
        let name = package.replace('-', "_");
        format!(
            "{}{name}{}",
            env::consts::DLL_PREFIX,
            env::consts::DLL_SUFFIX
        )
    });
    for name in plugins.chain(["hbd", "hbc"].map(str::to_owned)) {
        put(&release.join(&name), &folder.join(&name), 0o755)?;
        println!("{}", folder.join(&name).display());
    }
    let sdk = folder.join("sdk");
    write_sdk(&sdk)?;
    println!("{}", sdk.display());
    Ok(())
}

/// Writes the sources of the contract and the SDK as a workspace of their own. Third-party crates
/// come from the registry of the plugin's project.
fn write_sdk(to: &Path) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for part in ["crates/core", "crates/sdk"] {
        copy(&root.join(part), &to.join(part))?;
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let lines = manifest.lines().filter(|line| {
        let is_elsewhere =
            line.contains("path = \"") && !SHIPPED.iter().any(|it| line.contains(it));
        !line.starts_with("default-members") && !is_elsewhere
    });
    let lines = lines.map(|line| match line.starts_with("members") {
        true => "members = [\"crates/*\"]",
        false => line,
    });
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let manifest = to.join("Cargo.toml");
    fs::write(&manifest, text)?;
    permit(&manifest, 0o644)?;
    Ok(())
}

/// The SDK's crates, as in the workspace's manifest.
const SHIPPED: [&str; 2] = ["path = \"crates/core\"", "path = \"crates/sdk\""];

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    make_folder(to)?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            put(&entry.path(), &to, 0o644)?;
        }
    }
    Ok(())
}

fn put(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    fs::copy(from, to)?;
    permit(to, mode)
}

/// Creates a folder. An existing one stays as it is, since it may have other contents.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)?;
    permit(folder, 0o755)
}

/// Creates a file in a folder and deletes it.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let probe = folder.join(".annunciator-dist");
    fs::write(&probe, "")?;
    fs::remove_file(probe)
}

fn permit(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
