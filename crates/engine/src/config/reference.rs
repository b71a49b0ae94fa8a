//! Values that stand elsewhere: `{env: NAME}`, `{file: PATH}`,
//! `{credential: NAME}`.

use std::{env, fs, path::Path};

use super::{
    problem::Problem,
    tree::{Entry, Value},
};

/// The forms, for help texts and the schema.
pub(crate) const FORMS: [(&str, &str); 3] = [
    ("env", "Name of an environment variable."),
    (
        "file",
        "Absolute path of a file; its last line end is dropped.",
    ),
    (
        "credential",
        "Name of a systemd credential (LoadCredential=).",
    ),
];

/// The folder of systemd's credentials, see systemd.exec(5).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A secret longer than this is a file that was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// Why there is no such value: what is wrong, and what would help.
struct Missing(String, Option<String>);

impl Missing {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into(), None)
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self(self.0, Some(help.into()))
    }

    fn problem(self) -> Box<Problem> {
        let problem = Problem::error(self.0);
        Box::new(match self.1 {
            Some(help) => problem.help(help),
            None => problem,
        })
    }
}

/// Reads what a mapping refers to. `None` when it is no reference.
pub(crate) fn resolve(entries: &[Entry]) -> Option<Result<String, Box<Problem>>> {
    let [entry] = entries else { return None };
    let Value::Scalar(_, text) = &entry.node.value else {
        return None;
    };
    let found = match &*entry.key {
        "env" => from_env(text),
        "file" => from_file(text),
        "credential" => from_credential(text),
        _ => return None,
    };
    Some(found.map_err(Missing::problem))
}

fn from_env(name: &str) -> Result<String, Missing> {
    let wrong = |why: &str| Missing::new(format!("the environment variable {name} {why}"));
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) => Err(wrong("is empty")),
        Err(env::VarError::NotPresent) => Err(wrong("is not set").help(
            "set it where this program is started, in a unit by Environment= or EnvironmentFile=",
        )),
        Err(env::VarError::NotUnicode(_)) => Err(wrong("is not UTF-8 text")),
    }
}

fn from_file(name: &str) -> Result<String, Missing> {
    let path = Path::new(name);
    if !path.is_absolute() {
        let missing = Missing::new(format!("the path {name} is not absolute"));
        return Err(missing.help("write the whole path, from /"));
    }
    read(name, path)
}

fn from_credential(name: &str) -> Result<String, Missing> {
    if name.contains('/') || name.starts_with('.') {
        return Err(Missing::new(format!(
            "{name} is not the name of a credential"
        )));
    }
    let Some(folder) = env::var_os(CREDENTIALS) else {
        let what = format!("there is no credential {name}: systemd gave this program none");
        return Err(Missing::new(what).help(format!(
            "write LoadCredential={name}:/path/of/the/file into the unit, and start the program by systemd"
        )));
    };
    read(
        &format!("credential {name}"),
        &Path::new(&folder).join(name),
    )
}

fn read(shown: &str, path: &Path) -> Result<String, Missing> {
    let failed = |why: String| Missing::new(format!("{shown} cannot be read: {why}"));
    let facts = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if !facts.is_file() {
        return Err(failed("it is not a regular file".to_owned()));
    }
    if facts.len() > LONGEST {
        return Err(failed(format!("it has more than {LONGEST} bytes")));
    }
    let mut text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    for end in ['\n', '\r'] {
        if text.ends_with(end) {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(failed("it is empty".to_owned()));
    }
    Ok(text)
}
