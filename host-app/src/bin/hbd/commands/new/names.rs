//! The valid names of a plugin project, which its package, crate, file and channel type
//! share.

/// The maximum length of a project's name.
const MAX_NAME_LENGTH: usize = 40;

/// The keywords of all editions up to 2024, which cannot name a crate:
/// <https://doc.rust-lang.org/reference/keywords.html>.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The crates that come with the language.
const OF_THE_LANGUAGE: [&str; 6] = ["alloc", "core", "proc-macro", "std", "test", "build"];

/// The crates that a project depends on, or is likely to.
const DEPENDENCIES: [&str; 9] = [
    "annunciator",
    "annunciator-core",
    "annunciator-sdk",
    "log",
    "schemars",
    "serde",
    "serde-json",
    "tokio",
    "tracing",
];

/// The channel types of the plugins that are shipped.
const SHIPPED: [&str; 6] = [
    "email",
    "exec",
    "mattermost",
    "pushover",
    "signal",
    "webhook",
];

/// Checks whether a project can have this name; otherwise returns why not in a sentence.
pub(super) fn check(name: &str) -> Result<(), String> {
    let is_sound = name.len() <= MAX_NAME_LENGTH
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && { name.chars() }
            .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-');
    let why = if !is_sound {
        format!(
            "write up to {MAX_NAME_LENGTH} lower-case letters, digits and single hyphens, such as \
             carrier-pigeon"
        )
    } else if KEYWORDS.contains(&name) {
        "it is a keyword of Rust, and no crate can have that name".to_owned()
    } else if OF_THE_LANGUAGE.contains(&name) {
        "a crate of Rust or an artefact of cargo has that name".to_owned()
    } else if DEPENDENCIES.contains(&name) {
        "a crate that plugins depend on has that name".to_owned()
    } else if SHIPPED.contains(&name) {
        "a plugin that comes with Annunciator offers the channel type of that name, and of two \
         that do, neither is used"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(format!(
        "`{}` cannot be the name of a plugin: {why}",
        name.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_else_are_refused_with_the_reason() {
        for (name, why) in [
            ("match", "keyword of Rust"),
            ("gen", "keyword of Rust"),
            ("core", "crate of Rust"),
            ("serde", "plugins depend on"),
            ("annunciator-sdk", "plugins depend on"),
            ("email", "offers the channel type"),
            ("Pigeon", "lower-case letters"),
        ] {
            let error = check(name).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        for name in ["carrier-pigeon", "match-maker", "e-mail", "sms2"] {
            assert_eq!(check(name), Ok(()));
        }
    }

    #[test]
    fn every_plugin_that_is_shipped_is_known() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
        let mut there: Vec<String> = root
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        there.sort();
        assert_eq!(there, SHIPPED);
    }
}
