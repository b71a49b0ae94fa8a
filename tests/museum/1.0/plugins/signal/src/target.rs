//! Who can get a message, and which forms of a name signal-cli takes.

use annunciator_sdk::Problem;
use base64::{Engine, engine::general_purpose::STANDARD};

/// The digits of a number with country code (ITU-T E.164, section 6.2.1).
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;

/// One who gets the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A number, an account id, `PNI:` and an id, or `u:` and a username.
    Recipient(String),
    /// A username or a link.
    Username(String),
    /// A group, by its id.
    Group(String),
    /// The account itself.
    NoteToSelf,
}

impl Target {
    /// The name in reports, the same over every attempt.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Recipient(text) => text.clone(),
            Self::Username(name) => format!("u:{name}"),
            Self::Group(id) => format!("group:{id}"),
            Self::NoteToSelf => "note-to-self".to_owned(),
        }
    }

    /// What is wrong with an account.
    pub(crate) fn account_problem(text: &str) -> Option<Problem> {
        if is_uuid(text) {
            return None;
        }
        number_problem(text)
    }

    /// What is wrong with a recipient.
    pub(crate) fn recipient_problem(text: &str) -> Option<Problem> {
        if let Some(name) = text.strip_prefix("u:") {
            return Self::username_problem(name);
        }
        if is_uuid(text.strip_prefix("PNI:").unwrap_or(text)) {
            return None;
        }
        number_problem(text)
    }

    /// What is wrong with a username.
    pub(crate) fn username_problem(name: &str) -> Option<Problem> {
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
        (!sound).then(|| Problem::error("", format!("`{name}` is no username such as `name.01`")))
    }

    /// What is wrong with a group's id.
    pub(crate) fn group_problem(id: &str) -> Option<Problem> {
        // Ids of 16 octets are of the first kind of group, of 32 the second.
        match STANDARD.decode(id) {
            Ok(bytes) if matches!(bytes.len(), 16 | 32) => None,
            Ok(_) => Some(Problem::warning(
                "",
                format!("`{id}` has another length than the ids of groups have"),
            )),
            Err(_) => Some(Problem::error(
                "",
                format!("`{id}` is no group id, which `signal-cli listGroups` shows in base64"),
            )),
        }
    }
}

fn number_problem(text: &str) -> Option<Problem> {
    let Some(digits) = text.strip_prefix('+') else {
        return Some(Problem::error(
            "",
            format!("`{text}` doesn't begin with a plus sign"),
        ));
    };
    if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Problem::error("", format!("`{text}` is no phone number")));
    }
    digits
        .starts_with('0')
        .then(|| Problem::warning("", format!("`{text}`: no country code begins with 0")))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}
