//! Finds the stand-in's executable, which cargo built beside the tests.
//!
//! Test binaries lie in `target/<profile>/deps`, executables one folder
//! above. The environment variable is for those who build elsewhere.

use std::env;
use std::io;
use std::path::PathBuf;

/// Set to the executable's path to override the search.
pub const OVERRIDE: &str = "ANNUNCIATOR_SIGNAL_CLI_STAND_IN";

const NAME: &str = "signal-cli-stand-in";

/// The path of the stand-in's executable.
///
/// # Errors
/// When it was not built; the text says how to.
pub fn find() -> io::Result<PathBuf> {
    if let Some(path) = env::var_os(OVERRIDE) {
        return Ok(PathBuf::from(path));
    }
    let own = env::current_exe()?;
    let name = format!("{NAME}{}", env::consts::EXE_SUFFIX);
    own.ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "no {NAME} beside {}: build it with `cargo build -p annunciator-testkit`, \
                     or name it in {OVERRIDE}",
                    own.display()
                ),
            )
        })
}
