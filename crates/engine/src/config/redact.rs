//! Redaction of secrets: of places in the file, and of values in settings.

use serde_json::{Map, Value as Json};

use super::{
    problem::Findings,
    reference::{in_form, is_likely},
    schema_types::{MAX_DEPTH, choices, follow, is_secret},
    tree::{Node, Value},
};

/// The maximum length of a quoted value, in characters. A longer one is truncated.
const MAX_QUOTED: usize = 60;

/// The maximum length of the name of what a problem is about, in characters. A longer one is
/// truncated. Host names in the DNS have up to 253.
const MAX_NAME: usize = 300;

/// Replaces a text that may contain a secret in a sentence.
pub(super) const UNSHOWN: &str = "this text";

/// Returns a text of the file in backquotes, for a sentence. A text that contains more than one
/// value, for example because a quote was not closed, may contain a secret and is not repeated.
pub(super) fn quoted(text: &str) -> String {
    if !may_be_shown(text) {
        return UNSHOWN.to_owned();
    }
    let short: String = text.chars().take(MAX_QUOTED).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", short.escape_debug())
}

/// Returns what a problem is about, such as `channel ops`, truncated where it continues as no name
/// does.
pub(super) fn subject_only(subject: String) -> String {
    let end = subject.find([':', '"', '\'', ',']).or(holds_more(&subject));
    cut(subject, end)
}

/// Returns the path of a field, truncated where it continues as no field's name does: in `token:x`,
/// where a blank was forgotten, a secret follows the colon.
pub(super) fn field_only(field: String) -> String {
    let end = field.find(|c| !is_of_name(c) && !matches!(c, '[' | ']'));
    cut(field, end)
}

/// Returns a name up to the byte `end`, and at most the first [`MAX_NAME`] characters.
fn cut(mut name: String, end: Option<usize>) -> String {
    let too_long = name.char_indices().nth(MAX_NAME).map(|(at, _)| at);
    if let Some(end) = end.into_iter().chain(too_long).min() {
        name.truncate(end);
        name.push('…');
    }
    name
}

/// Returns whether a key can be a name, and not a value or a name with its value.
pub(super) fn is_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_of_name)
}

/// Returns an unknown key for a sentence, or an empty text if the key may be a misplaced value.
pub(super) fn named(key: &str) -> &str {
    if is_name(key) { key } else { "" }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '*')
}

/// Returns the first byte at which a text continues as several lines or fields would.
pub(super) fn holds_more(text: &str) -> Option<usize> {
    if let Some(end) = text.find(is_line_break) {
        return Some(end);
    }
    // `22:00` and an address are one value; with blanks beside the colon, that is not certain.
    let colon = text.find(':')?;
    text.contains(char::is_whitespace).then_some(colon)
}

/// Returns whether a character ends a line in YAML.
pub(super) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns whether a scalar of the file, as typed or as read, may be shown: it is one value,
/// without a login and without the path of an address, which may be a token.
pub(super) fn may_be_shown(text: &str) -> bool {
    // Characters that are written as escapes may be any of these.
    let is_escaped = text.starts_with('"') && text.contains('\\');
    !is_escaped && holds_more(text).is_none() && !holds_login(text) && !leads_into(text)
}

/// Returns a text of a configuration as it may be shown: unchanged, or `***` if it may contain a
/// login or a token.
#[must_use]
pub fn presentable(text: &str) -> &str {
    if may_be_shown(text) { text } else { "***" }
}

/// Returns whether a text may contain `user:password@` or `token@` before a server's name.
fn holds_login(text: &str) -> bool {
    let is_before = |at: usize| text[..at].contains([':', '/']);
    text.rfind('@').is_some_and(is_before)
}

/// Returns whether a text is the address of a server with more than the server in it. Services put
/// tokens into paths and queries.
pub(super) fn leads_into(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']).trim();
    let lower = text.to_ascii_lowercase();
    let mut schemes = ["http:", "https:"].iter();
    let behind = schemes.find(|scheme| lower.starts_with(**scheme));
    let (address, has_scheme) = match (behind, text.split_once("://")) {
        // Too few or too many slashes make no difference here.
        (Some(scheme), _) => (text[scheme.len()..].trim_start_matches(['/', '\\']), true),
        (None, Some(("unix" | "file", _))) => return false,
        (None, Some((_, address))) => (address, true),
        (None, None) => (text, false),
    };
    let Some(end) = address.find(['/', '?', '#', '\\']) else {
        return false;
    };
    let (server, way) = address.split_at(end);
    let is_server = has_scheme
        || server.contains(['.', ':'])
            && !server.starts_with('.')
            && !server.ends_with(':')
            && !server.contains(char::is_whitespace);
    // `10.0.0.0/8` is a network, and `1.5/min` is a rate.
    let is_short = way.len() <= 4 && way[1..].bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_server && way != "/" && (has_scheme || !is_short)
}

/// Hides the nodes that a plugin reports as wrong if they may contain a secret, also
/// `chat/hooks/TOKEN` instead of a server's name. Returns a function that removes the secrets from
/// the plugin's sentences.
pub(super) fn hide_wrong<'a>(
    node: &'a Node,
    findings: &mut Findings,
) -> impl Fn(String) -> String + use<'a> {
    let text = match &node.value {
        Value::Scalar(_, text) => text.trim(),
        Value::List(_) | Value::Map(_) => "",
    };
    let is_way = !text.starts_with(['/', '.', '~']) && text.matches(['/', '?', '#']).count() > 1;
    let is_hidden = !text.is_empty() && (is_way || !may_be_shown(text));
    if is_hidden {
        findings.secret(node.id, false);
    }
    move |said| match is_hidden {
        true => without(said, text),
        false => said,
    }
}

/// Returns a sentence without a text and without the pieces of that text that may be secret.
fn without(said: String, text: &str) -> String {
    let login = text.rsplit_once('@').map_or("", |(login, _)| login);
    let login = login.rsplit_once("//").map_or(login, |(_, login)| login);
    let password = login.rsplit_once(':').map_or("", |(_, password)| password);
    let ways = text.split(['/', '?', '#', '&', '=']).skip(1);
    let long = ways.filter(|piece| piece.len() > MAX_PATH_WORD_LENGTH);
    let mut pieces: Vec<&str> = [text, login, password].into_iter().chain(long).collect();
    pieces.retain(|piece| !piece.is_empty());
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    let said = said.replace(&format!("`{text}`"), UNSHOWN);
    pieces
        .into_iter()
        .fold(said, |said, piece| said.replace(piece, "[…]"))
}

/// The maximum length of a piece of an address that counts as a word, such as `hooks`, in bytes.
const MAX_PATH_WORD_LENGTH: usize = 7;

/// Marks every scalar below a node as one that must not be shown, including keys. Names in
/// references are not secret and are left out, if they are likely to be names. `known`: whether the
/// scalars are certainly secrets or only may be.
pub(crate) fn hide(node: &Node, known: bool, findings: &mut Findings) {
    match &node.value {
        Value::Scalar(..) => findings.secret(node.id, known),
        Value::List(nodes) => nodes.iter().for_each(|node| hide(node, known, findings)),
        Value::Map(entries) => {
            if let Some(entry) = in_form(entries) {
                if !is_likely(entry) {
                    hide(&entry.node, known, findings);
                }
                return;
            }
            for entry in entries {
                findings.secret(entry.key_id, known);
                hide(&entry.node, known, findings);
            }
        }
    }
}

/// Marks the text of a reference as one that must not be shown, if it cannot be a name.
pub(super) fn hide_unlikely(node: &Node, findings: &mut Findings) {
    if let Value::Map(entries) = &node.value
        && let Some(entry) = in_form(entries)
        && !is_likely(entry)
    {
        hide(&entry.node, false, findings);
    }
}

/// Returns settings with every secret replaced, for people.
pub(crate) fn redacted(value: &Json, root: &Json) -> Json {
    redact(value, root, root, 0)
}

fn redact(value: &Json, schema: &Json, root: &Json, depth: usize) -> Json {
    if depth > MAX_DEPTH {
        return Json::Null;
    }
    if is_secret(root, schema) && !value.is_null() {
        return Json::String("***".to_owned());
    }
    let schema = follow(root, schema);
    if let Some(choices) = choices(schema) {
        let redacted = choices
            .iter()
            .map(|choice| redact(value, choice, root, depth + 1));
        return redacted.fold(
            value.clone(),
            |kept, one| if one == *value { kept } else { one },
        );
    }
    match value {
        Json::Object(fields) => fields
            .iter()
            .map(|(key, field)| {
                let property = schema.get("properties").and_then(|known| known.get(key));
                let property = property.or(schema.get("additionalProperties"));
                (
                    key.clone(),
                    redact(field, property.unwrap_or(&Json::Null), root, depth + 1),
                )
            })
            .collect::<Map<_, _>>()
            .into(),
        Json::Array(items) => {
            let item = schema.get("items").unwrap_or(&Json::Null);
            items
                .iter()
                .map(|value| redact(value, item, root, depth + 1))
                .collect()
        }
        Json::String(text) if holds_login(text) => Json::String("***".to_owned()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_login_or_a_token_is_not_shown() {
        for text in [
            "https://u:p@h",
            "https://token@h/",
            "//u:p@h",
            "smtp://u:p@h",
            "u:p@h",
            "u:p@h:25",
            "u:p@ss@h",
            "\"https://u:p@h\"",
            "\"https://u:p\\x40h\"",
            "https://h.example/hooks/x",
            "HTTPS:h.example/hooks/x",
            "https:///h.example/hooks/x",
            "https:\\\\h.example\\hooks",
            "https://h?token=x",
            "https://h#x",
            "'h.example/hooks/x'",
            "h:8065/hooks/x",
            "10.0.0.1/hooks/x",
            "h.example?token=x",
            "[::1]:1/hooks/x",
        ] {
            assert!(!may_be_shown(text), "{text}");
        }
        for text in [
            "https://h.example",
            "https://h.example:8065/",
            "h.example",
            "h:25",
            "[::1]:25",
            "::1",
            "10.0.0.0/8",
            "1.5/min",
            "Ops <ops@example.com>",
            "ops@example.com",
            "@user",
            "unix:/run/x",
            "unix:///run/x.y/z",
            "/etc/x.pem",
            "./x/y",
            "text/plain",
            "America/Argentina/Buenos_Aires",
            "22:00",
        ] {
            assert!(may_be_shown(text), "{text}");
        }
    }

    #[test]
    fn a_name_is_cut_where_nobody_reads_on() {
        let long = "é".repeat(1_000);
        let cut = format!("{}…", "é".repeat(300));
        assert_eq!(field_only(long.clone()), cut);
        assert_eq!(subject_only(long), cut);
        assert_eq!(field_only("token:x".to_owned()), "token…");
        assert_eq!(subject_only("host web-01".to_owned()), "host web-01");
    }

    #[test]
    fn a_sentence_is_left_without_the_text_that_it_is_about() {
        let address = "https://u:secret@h.example/hooks/token-abc";
        let said = format!("`{address}` has secret, u:secret and token-abc in it");
        let shown = without(said, address);
        assert_eq!(shown, "this text has […], […] and […] in it");
    }
}
