//! References to values outside of the file: `{env: NAME}`, `{file: PATH}`, `{credential: NAME}`.

use std::{env, fs, path::Path};

use super::{
    problem::Problem,
    tree::{Entry, Node, Scalar, Value},
};

/// The forms of references, for help texts and the schema.
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

/// The variable with the folder of systemd's credentials, see systemd.exec(5).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The maximum size of a secret, in bytes. A larger file was named by mistake.
const MAX_SECRET_SIZE: u64 = 64 * 1024;

/// Replaces a name that may be the secret itself.
const UNLIKELY: &str = "that is named here";

/// The reason why a value is missing: what is wrong, and what would help.
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

/// The maximum length of a word in a name, in characters. Keys and hashes are longer.
const MAX_WORD_LENGTH: usize = 24;
/// The maximum length of a word with a digit before a letter, as in `s3` or `oauth2x`.
const MAX_MIXED_WORD_LENGTH: usize = 8;

/// Returns the entry of a mapping that has the form of a reference, whatever it refers to.
pub(super) fn in_form(entries: &[Entry]) -> Option<&Entry> {
    let [entry] = entries else {
        return None;
    };
    let mut forms = FORMS.iter();
    forms.any(|(form, _)| *form == &*entry.key).then_some(entry)
}

/// Replaces every reference to a secret in a node with a text.
pub(super) fn replace_references(node: &mut Node, secret: &str) {
    match &mut node.value {
        Value::Map(entries) => {
            if in_form(entries).is_some() {
                node.value = Value::Scalar(Scalar::Text, secret.into());
            } else {
                let nodes = entries.iter_mut().map(|entry| &mut entry.node);
                nodes.for_each(|node| replace_references(node, secret));
            }
        }
        Value::List(nodes) => {
            nodes
                .iter_mut()
                .for_each(|node| replace_references(node, secret));
        }
        Value::Scalar(..) => {}
    }
}

/// Returns whether an entry is a reference whose text can be a name, and not the secret itself,
/// written there by mistake.
pub(crate) fn is_likely(entry: &Entry) -> bool {
    let Value::Scalar(_, text) = &entry.node.value else {
        return false;
    };
    match &*entry.key {
        "env" => is_variable(text),
        "file" => is_path(text),
        "credential" => is_credential(text),
        _ => false,
    }
}

/// Returns whether a name is like that of a variable: in capitals, by convention, or in lower case
/// without digits, such as `http_proxy`.
fn is_variable(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_small = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let is_small = is_small && name.contains('_');
    let is_of = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    starts && (is_small || name.chars().all(is_of)) && name.split('_').all(is_word)
}

fn is_credential(name: &str) -> bool {
    let has_digit = name.contains(|c: char| c.is_ascii_digit());
    let is_several = name.contains(['-', '_', '.']);
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase());
    (is_plain || is_several || !has_digit) && name.split(['-', '_', '.']).all(is_word)
}

fn is_path(name: &str) -> bool {
    name.starts_with('/') && !name.contains(['+', '=']) && !name.contains(char::is_control)
}

fn is_word(word: &str) -> bool {
    let end = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_mixed = end.contains(|c: char| c.is_ascii_digit());
    let longest = if is_mixed {
        MAX_MIXED_WORD_LENGTH
    } else {
        MAX_WORD_LENGTH
    };
    let one_case = |case: fn(&char) -> bool| end.chars().skip(1).all(|c| !case(&c));
    word.len() <= longest
        && word.chars().all(|c| c.is_ascii_alphanumeric())
        && (one_case(char::is_ascii_lowercase) || one_case(char::is_ascii_uppercase))
}

/// Reads the value to which a mapping refers. Returns `None` if the mapping is not a reference.
pub(crate) fn resolve(entries: &[Entry]) -> Option<Result<String, Box<Problem>>> {
    let [entry] = entries else { return None };
    let Value::Scalar(_, text) = &entry.node.value else {
        return None;
    };
    let is_shown = is_likely(entry);
    let found = match &*entry.key {
        "env" => from_env(text, is_shown),
        "file" => from_file(text, is_shown),
        "credential" => from_credential(text, is_shown),
        _ => return None,
    };
    Some(found.map_err(Missing::problem))
}

fn from_env(name: &str, is_shown: bool) -> Result<String, Missing> {
    let shown = if is_shown { name } else { UNLIKELY };
    let wrong = |why: &str| Missing::new(format!("the environment variable {shown} {why}"));
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) => Err(wrong("is empty")),
        Err(env::VarError::NotPresent) => Err(wrong("is not set").help(
            "set it where this program is started, in a unit by Environment= or EnvironmentFile=",
        )),
        Err(env::VarError::NotUnicode(_)) => Err(wrong("is not UTF-8 text")),
    }
}

fn from_file(name: &str, is_shown: bool) -> Result<String, Missing> {
    let path = Path::new(name);
    if !path.is_absolute() {
        // A text that is not a path may be the secret.
        let missing = Missing::new("this is not an absolute path");
        return Err(missing.help("write the absolute path, from /"));
    }
    read(if is_shown { name } else { "the file" }, path)
}

fn from_credential(name: &str, is_shown: bool) -> Result<String, Missing> {
    if name.contains('/') || name.starts_with('.') {
        return Err(Missing::new("this is not the name of a credential"));
    }
    let path = name;
    let name = if is_shown { name } else { UNLIKELY };
    let Some(folder) = env::var_os(CREDENTIALS) else {
        let what = format!("there is no credential {name}: systemd gave this program none");
        return Err(Missing::new(what).help(format!(
            "write LoadCredential={0}:/path/of/the/file into the unit, and start the program by systemd; in a shell, name a folder with a file {0} in {CREDENTIALS}",
            if is_shown { name } else { "NAME" }
        )));
    };
    read(
        &format!("credential {name}"),
        &Path::new(&folder).join(path),
    )
}

fn read(shown: &str, path: &Path) -> Result<String, Missing> {
    let failed = |why: String| Missing::new(format!("{shown} cannot be read: {why}"));
    let facts = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if !facts.is_file() {
        return Err(failed("it is not a regular file".to_owned()));
    }
    if facts.len() > MAX_SECRET_SIZE {
        return Err(failed(format!("it has more than {MAX_SECRET_SIZE} bytes")));
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
