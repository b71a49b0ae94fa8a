//! A folder to install: `hbd`, its plugins beside it, and the sender `hbc`.

use std::{env, error::Error, fs, path::Path};

use crate::build::{self, PLUGINS};

pub(crate) fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    build::release()?;
    // This command runs from target/debug; the release lies beside that.
    let own = env::current_exe()?;
    let target = own
        .ancestors()
        .nth(2)
        .ok_or("this command does not run from a target folder")?;
    let release = target.join("release");
    fs::create_dir_all(folder)?;
    let plugins = PLUGINS.iter().map(|package| {
        let name = package.replace('-', "_");
        format!(
            "{}{name}{}",
            env::consts::DLL_PREFIX,
            env::consts::DLL_SUFFIX
        )
    });
    for name in plugins.chain(["hbd", "hbc"].map(str::to_owned)) {
        fs::copy(release.join(&name), folder.join(&name))?;
        println!("{}", folder.join(&name).display());
    }
    Ok(())
}
