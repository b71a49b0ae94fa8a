//! The environment variables that signal-cli gets from this process.

use std::{
    env,
    ffi::{OsStr, OsString},
};

/// Returns the inherited variables, and the locale in which Java reads standard input.
pub(crate) fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    let inherited = env::vars_os().filter(|(name, _)| is_inherited(name));
    inherited.chain([("LC_ALL".into(), "C.UTF-8".into())])
}

/// Returns whether a child gets this variable: those that Java and signal-cli's script read, and no
/// others, because this program's environment may contain other programs' secrets.
fn is_inherited(name: &OsStr) -> bool {
    const NAMES: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR"];
    const PREFIXES: [&str; 5] = ["LC_", "XDG_", "JAVA_", "JDK_", "SIGNAL_CLI_"];
    let name = name.to_string_lossy();
    NAMES.contains(&&*name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_gets_only_the_variables_that_it_needs() {
        for name in ["PATH", "HOME", "JAVA_HOME", "LC_ALL", "SIGNAL_CLI_OPTS"] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
        for name in [
            "SMTP_PASSWORD",
            "PUSHOVER_TOKEN",
            "CREDENTIALS_DIRECTORY",
            "LD_PRELOAD",
        ] {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
    }
}
