//! The settings of an exec channel, and their validation.

use std::{
    collections::BTreeMap, env, ffi::OsString, fs, os::unix::fs::MetadataExt as _, path::Path,
};

use annunciator_sdk::{Problem, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

/// The variables of the host's environment that a program may need and inherits. The others stay
/// behind, since they may contain secrets of others.
const INHERITED: [&str; 6] = ["HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR"];
/// The `PATH` in which a program finds other programs.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The settings of an exec channel.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The program's absolute path.
    pub program: String,
    /// The program's arguments. Other users of the machine can read them, so put no secrets here.
    /// Default: none.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Environment variables of the program, by name, besides the few that every program gets.
    /// Default: none.
    #[serde(default)]
    pub environment: BTreeMap<String, Secret<String>>,
    /// Values such as tokens, by name, which the program finds as `settings` in the message.
    /// Default: none.
    #[serde(default)]
    pub settings: BTreeMap<String, Secret<String>>,
    /// The absolute path of the folder in which the program runs. Default: /.
    #[schemars(extend("x-annunciator-file" = "enter"))]
    pub folder: Option<String>,
    /// The targets that the program notifies, by names of your choice. It may report an outcome for
    /// each. Default: one target, named like the program.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The arguments with which `hbd test` runs the program, with nothing on its standard input;
    /// the program must deliver nothing then. Default: none, so that `hbd test` does not run the
    /// program and only inspects its file.
    pub check_arguments: Option<Vec<String>>,
}

impl Config {
    /// Returns everything that is wrong with the settings.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        for (field, path) in [
            ("program", Some(&self.program)),
            ("folder", self.folder.as_ref()),
        ] {
            let Some(path) = path else { continue };
            if !Path::new(path).is_absolute() {
                let what = "is not an absolute path";
                found.push(
                    Problem::error(field, what)
                        .help("write the path from /: no other folder is searched"),
                );
            } else if path.contains('\0') {
                found.push(Problem::error(field, "contains a NUL byte"));
            }
        }
        for (field, arguments) in [
            ("arguments", &self.arguments[..]),
            (
                "check_arguments",
                self.check_arguments.as_deref().unwrap_or_default(),
            ),
        ] {
            for (index, argument) in arguments.iter().enumerate() {
                if argument.contains('\0') {
                    let field = format!("{field}[{index}]");
                    found.push(Problem::error(field, "contains a NUL byte"));
                }
            }
        }
        for (name, value) in &self.environment {
            let field = format!("environment.{name}");
            if name.is_empty() || name.contains(['=', '\0']) {
                found.push(Problem::error(field, "is not a name of a variable"));
            } else if value.expose().contains('\0') {
                found.push(Problem::error(field, "contains a NUL byte"));
            }
        }
        if self.targets.iter().any(|target| target.trim().is_empty()) {
            found.push(Problem::error("targets", "contains an empty name"));
        }
        found
    }

    /// Returns what is wrong with the program's file, or `None` if it can be run.
    pub(crate) fn problem(&self) -> Option<String> {
        let program = &self.program;
        let facts = match fs::metadata(program) {
            Ok(facts) => facts,
            Err(error) => return Some(format!("{program} cannot be inspected: {error}")),
        };
        let mode = facts.mode();
        if !facts.is_file() {
            return Some(format!("{program} is not a program: it is not a file"));
        }
        // Quoted, since people type it into a shell. Only a NUL byte cannot be quoted, and no
        // file's name has one.
        let typed = shlex::try_quote(program).unwrap_or_default();
        if mode & 0o111 == 0 {
            return Some(format!(
                "{program} is not executable: if it is a script, run `chmod +x {typed}`"
            ));
        }
        if mode & 0o002 != 0 {
            return Some(format!(
                "everybody may write to {program}: run `chmod o-w {typed}`"
            ));
        }
        None
    }

    /// Returns the names of the targets that the program notifies.
    pub(crate) fn target_names(&self) -> Vec<String> {
        if !self.targets.is_empty() {
            return self.targets.clone();
        }
        let name = Path::new(&self.program).file_name();
        let name = name.map(|name| name.to_string_lossy().into_owned());
        vec![name.unwrap_or_else(|| "program".to_owned())]
    }

    /// Returns the program's environment: a fixed `PATH` and `LC_ALL`, the variables of
    /// [`INHERITED`], and those of the settings. Nothing else of the host's environment gets in.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), PATH.into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ];
        let inherited = INHERITED.iter();
        variables.extend(inherited.filter_map(|name| Some(((*name).into(), env::var_os(name)?))));
        let own = self.environment.iter();
        variables.extend(own.map(|(name, value)| (name.into(), value.expose().into())));
        variables
    }

    /// Returns all secrets, which no text may show, the longest first.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let secrets = self.settings.values().chain(self.environment.values());
        let mut secrets: Vec<String> = secrets.map(|secret| secret.expose().clone()).collect();
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }
}
