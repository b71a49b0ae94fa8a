//! The variables that signal-cli gets of this process.

use std::{
    env,
    ffi::{OsStr, OsString},
};

/// Those that are inherited, and the locale in which Java reads standard input.
pub(crate) fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    let inherited = env::vars_os().filter(|(name, _)| is_inherited(name));
    inherited.chain([("LC_ALL".into(), "C.UTF-8".into())])
}

/// Whether a child gets this variable: what Java and signal-cli's script look
/// at, and nothing else. This program's environment may hold others' secrets.
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
    fn a_child_gets_no_variable_that_is_not_its_business() {
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
