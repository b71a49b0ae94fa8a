//! The targets of a message, and the forms of their names that signal-cli accepts.

use annunciator_sdk::Problem;
use base64::{Engine, engine::general_purpose::STANDARD};

/// The number of digits of a phone number with country code (ITU-T E.164, section 6.2.1).
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;

/// A target of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A phone number, an account ID, `PNI:` and an ID, or `u:` and a username.
    Recipient(String),
    /// A username or a username link.
    Username(String),
    /// A group, by its ID.
    Group(String),
    /// The account itself.
    NoteToSelf,
}

impl Target {
    /// Returns the name in reports, which is the same in every attempt.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Recipient(text) => text.clone(),
            Self::Username(name) => format!("u:{name}"),
            Self::Group(id) => format!("group:{id}"),
            Self::NoteToSelf => "note-to-self".to_owned(),
        }
    }

    /// Returns what is wrong with an account.
    pub(crate) fn account_problem(text: &str, path: &str) -> Option<Problem> {
        if is_uuid(text) {
            return None;
        }
        number_problem(text, path)
    }

    /// Returns what is wrong with a recipient.
    pub(crate) fn recipient_problem(text: &str, path: &str) -> Option<Problem> {
        if let Some(name) = text.strip_prefix("u:") {
            return Self::username_problem(name, path);
        }
        if is_uuid(text.strip_prefix("PNI:").unwrap_or(text)) {
            return None;
        }
        number_problem(text, path)
    }

    /// Returns what is wrong with a username.
    pub(crate) fn username_problem(name: &str, path: &str) -> Option<Problem> {
        if name.starts_with("https://signal.me/#eu/") {
            return None;
        }
        let (nickname, digits) = name.rsplit_once('.').unwrap_or_default();
        let sound = !nickname.is_empty()
            && digits.len() >= 2
            && digits.bytes().all(|b| b.is_ascii_digit())
            && nickname
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (!sound).then(|| {
            Problem::error(
                path,
                format!("`{name}` is not a username such as `name.01`"),
            )
        })
    }

    /// Returns what is wrong with a group's ID.
    pub(crate) fn group_problem(id: &str, path: &str) -> Option<Problem> {
        // The first kind of group has IDs of 16 octets, the second of 32.
        match STANDARD.decode(id) {
            Ok(bytes) if matches!(bytes.len(), 16 | 32) => None,
            Ok(_) => Some(Problem::warning(
                path,
                format!("`{id}` does not have the length of a group ID"),
            )),
            Err(_) => Some(Problem::error(
                path,
                format!("`{id}` is not a group ID in base64, which `signal-cli listGroups` shows"),
            )),
        }
    }
}

fn number_problem(text: &str, path: &str) -> Option<Problem> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let problem = if !text.starts_with('+') {
        Problem::error(path, format!("`{text}` does not begin with a plus sign"))
    } else if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        Problem::error(path, format!("`{text}` is not a phone number"))
    } else if digits.starts_with('0') {
        Problem::warning(path, format!("`{text}`: no country code begins with 0"))
    } else {
        return None;
    };
    let help =
        "write a phone number with its country code and without spaces, such as `+12025551234`";
    Some(problem.help(help))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}
