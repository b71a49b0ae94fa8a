//! Finds the SDK of a project: in the named folder, or in the one that this program came
//! with. Never in a registry: until the crates are published there, anybody may register
//! their names.
//!
//! The folder is found relative to the program when it runs, so that the program has no
//! path of the machine that built it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use annunciator::standalone::CONTRACT;

/// The name of the SDK's package.
const PACKAGE: &str = "annunciator-sdk";
/// Its folder in a checkout and in an installation.
const IN_A_CHECKOUT: &str = "crates/sdk";

/// Returns the SDK's folder in the form for the project's manifest.
pub(super) fn find(named: Option<&Path>) -> Result<PathBuf, String> {
    match named {
        Some(folder) => examined(folder),
        None => {
            let program = env::current_exe()
                .and_then(fs::canonicalize)
                .map_err(|error| format!("this program cannot find its own file: {error}"))?;
            beside(&program)
        }
    }
}

/// Returns the SDK that came with a program.
fn beside(program: &Path) -> Result<PathBuf, String> {
    let mut places = Vec::new();
    for folder in program.ancestors().skip(1) {
        if places.is_empty() {
            // The layout of `cargo xtask dist`, and of a package that installs it.
            places.push(folder.join("sdk").join(IN_A_CHECKOUT));
            places.push(folder.join("../share/annunciator/sdk").join(IN_A_CHECKOUT));
        }
        // Built in a checkout. Folders further up may belong to anybody.
        if folder.file_name().is_some_and(|name| name == "target") {
            places.extend(folder.parent().map(|root| root.join(IN_A_CHECKOUT)));
        }
    }
    let found = places.iter().find_map(|place| examined(place).ok());
    found.ok_or_else(|| {
        "the SDK did not come with this program, and no registry has it: name its folder, \
         `--sdk CHECKOUT/crates/sdk`"
            .to_owned()
    })
}

/// Checks that a folder has the SDK, of a major version that this program supports.
fn examined(folder: &Path) -> Result<PathBuf, String> {
    let shown = folder.display();
    let real =
        fs::canonicalize(folder).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let Ok(manifest) = fs::read_to_string(real.join("Cargo.toml")) else {
        return Err(format!(
            "{shown} is not the SDK: there is no Cargo.toml in it"
        ));
    };
    let name = of_package(&manifest, "name");
    if name != Some(PACKAGE) {
        let what = match name {
            Some(name) => format!("it is the crate `{}`", name.escape_debug()),
            None => "its Cargo.toml describes no crate".to_owned(),
        };
        let help = if real.join(IN_A_CHECKOUT).join("Cargo.toml").is_file() {
            format!("; perhaps {} is", folder.join(IN_A_CHECKOUT).display())
        } else {
            String::new()
        };
        return Err(format!("{shown} is not the SDK: {what}{help}"));
    }
    let version = of_package(&manifest, "version").unwrap_or("unknown");
    let (major, minor) = CONTRACT;
    // Any minor version is fine: an older host loads plugins of a newer one.
    if version.split('.').next() != Some(&*major.to_string()) {
        return Err(format!(
            "{shown} is the SDK {}, whose plugins this program does not load: it speaks contract \
             {major}.{minor}",
            version.escape_debug()
        ));
    }
    Ok(real)
}

/// Returns a string of the manifest's `[package]` section. Only cargo's own formatting is
/// supported, which the manifest of every SDK has.
fn of_package<'m>(manifest: &'m str, key: &str) -> Option<&'m str> {
    let mut lines = manifest.lines().map(str::trim);
    lines.find(|line| *line == "[package]")?;
    let mut lines = lines.take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (found, value) = line.split_once('=')?;
        let value = value.trim().strip_prefix('"')?.split('"').next()?;
        (found.trim() == key).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a folder with the manifest of a crate.
    fn a_crate(folder: &Path, name: &str, version: &str) {
        fs::create_dir_all(folder).unwrap();
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\n");
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    }

    #[test]
    fn what_a_program_came_with_is_found_from_where_it_lies() {
        for (program, sdk) in [
            ("dist/hbd", "dist/sdk/crates/sdk"),
            ("usr/bin/hbd", "usr/share/annunciator/sdk/crates/sdk"),
            ("checkout/target/debug/hbd", "checkout/crates/sdk"),
            (
                "checkout/target/x86_64-unknown-linux-gnu/release/hbd",
                "checkout/crates/sdk",
            ),
        ] {
            let home = tempfile::tempdir().unwrap();
            let home = fs::canonicalize(home.path()).unwrap();
            fs::create_dir_all(home.join(program).parent().unwrap()).unwrap();
            let error = beside(&home.join(program)).unwrap_err();
            assert!(error.contains("--sdk"), "{error}");
            a_crate(&home.join(sdk), "annunciator-sdk", "1.9.0");
            assert_eq!(beside(&home.join(program)), Ok(home.join(sdk)));
            // Another major version, or another crate, is not accepted.
            a_crate(&home.join(sdk), "annunciator-sdk", "2.0.0");
            assert!(beside(&home.join(program)).is_err());
            a_crate(&home.join(sdk), "sdk", "1.1.0");
            assert!(beside(&home.join(program)).is_err());
        }
    }

    #[test]
    fn folders_above_that_are_no_checkout_s_are_not_looked_at() {
        let home = tempfile::tempdir().unwrap();
        a_crate(&home.path().join("crates/sdk"), "annunciator-sdk", "1.1.0");
        assert!(beside(&home.path().join("a/b/hbd")).is_err());
    }

    #[test]
    fn a_folder_that_is_not_the_sdk_is_refused_with_the_reason() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let refused = |folder: &str| examined(&root.join(folder)).unwrap_err();
        assert!(refused("nowhere").contains("cannot be read"));
        assert!(refused("docs").contains("there is no Cargo.toml in it"));
        let core = refused("crates/core");
        assert!(
            core.contains("it is the crate `annunciator-core`"),
            "{core}"
        );
        let checkout = refused("");
        assert!(
            checkout.contains("describes no crate; perhaps "),
            "{checkout}"
        );
        let other = tempfile::tempdir().unwrap();
        a_crate(other.path(), "annunciator-sdk", "0.9.0");
        let error = examined(other.path()).unwrap_err();
        assert!(error.contains("is the SDK 0.9.0, whose plugins"), "{error}");
        assert!(examined(&root.join("crates/sdk")).is_ok());
    }
}
