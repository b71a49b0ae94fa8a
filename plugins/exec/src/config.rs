//! The settings of an exec channel, and what of them is wrong.

use std::{
    collections::BTreeMap, env, ffi::OsString, fs, os::unix::fs::MetadataExt as _, path::Path,
};

use annunciator_sdk::{Problem, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a program may need of this one's environment; it may hold others'
/// secrets.
const INHERITED: [&str; 6] = ["HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR"];
/// Where a program finds others.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The settings of an exec channel.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The program, by its whole path.
    pub program: String,
    /// Its arguments. Other users of the machine can read them: no secrets.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Variables of its environment, besides a few that it has anyhow.
    #[serde(default)]
    pub environment: BTreeMap<String, Secret<String>>,
    /// What it finds as `settings` in the message: tokens and the like.
    #[serde(default)]
    pub settings: BTreeMap<String, Secret<String>>,
    /// The folder in which it runs. Default: /.
    #[schemars(extend("x-annunciator-file" = "enter"))]
    pub folder: Option<String>,
    /// Whom it tells, by names of its own; it may answer for each. Default: one,
    /// named like the program.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The arguments with which `hbd test` runs it, with nothing on its standard
    /// input; it must deliver nothing then. Without them it is only looked at.
    pub check_arguments: Option<Vec<String>>,
}

impl Config {
    /// Everything that is to be said about the settings.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        for (field, path) in [
            ("program", Some(&self.program)),
            ("folder", self.folder.as_ref()),
        ] {
            let Some(path) = path else { continue };
            if !Path::new(path).is_absolute() {
                let what = "is not a whole path";
                found.push(
                    Problem::error(field, what)
                        .help("write it from /: no other folder is searched"),
                );
            } else if path.contains('\0') {
                found.push(Problem::error(field, "holds a NUL byte"));
            }
        }
        let check = self.check_arguments.iter().flatten();
        for argument in self.arguments.iter().chain(check) {
            if argument.contains('\0') {
                found.push(Problem::error("arguments", "hold a NUL byte"));
            }
        }
        for (name, value) in &self.environment {
            let field = format!("environment.{name}");
            if name.is_empty() || name.contains(['=', '\0']) {
                found.push(Problem::error(field, "is no name of a variable"));
            } else if value.expose().contains('\0') {
                found.push(Problem::error(field, "holds a NUL byte"));
            }
        }
        if self.targets.iter().any(|target| target.trim().is_empty()) {
            found.push(Problem::error("targets", "has an empty name"));
        }
        found
    }

    /// What is wrong with the program's file, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        let program = &self.program;
        let facts = match fs::metadata(program) {
            Ok(facts) => facts,
            Err(error) => return Some(format!("{program} cannot be looked at: {error}")),
        };
        let mode = facts.mode();
        if !facts.is_file() {
            return Some(format!("{program} is no program: it is not a file"));
        }
        // As it is typed in a shell; no file's name has a NUL byte, which is all that
        // cannot be quoted.
        let typed = shlex::try_quote(program).unwrap_or_default();
        if mode & 0o111 == 0 {
            return Some(format!(
                "{program} is no program: `chmod +x {typed}` makes one of a script"
            ));
        }
        if mode & 0o002 != 0 {
            return Some(format!(
                "everybody may write to {program}: `chmod o-w {typed}`"
            ));
        }
        None
    }

    /// The names of those that are told.
    pub(crate) fn target_names(&self) -> Vec<String> {
        if !self.targets.is_empty() {
            return self.targets.clone();
        }
        let name = Path::new(&self.program).file_name();
        let name = name.map(|name| name.to_string_lossy().into_owned());
        vec![name.unwrap_or_else(|| "program".to_owned())]
    }

    /// The program's environment: nothing of this one's but what stands here.
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

    /// All that must be seen nowhere, the longest first.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let secrets = self.settings.values().chain(self.environment.values());
        let mut secrets: Vec<String> = secrets.map(|secret| secret.expose().clone()).collect();
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }
}
