//! The server's treatment of text: it converts Slack's syntax, splits long text, and finds the
//! names with an at sign that notify people.

/// The maximum length of a post, in characters:
/// <https://developers.mattermost.com/integrate/webhooks/incoming/>.
pub(super) const MAX_POST_LENGTH: usize = 16_383;

/// Converts `<url|title>`, `<url>` and `<!channel>` as the server does.
pub(super) fn from_slack(text: &str) -> String {
    let mut converted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, opened) = rest.split_at(start);
        converted.push_str(before);
        let Some(end) = opened.find('>') else {
            rest = opened;
            break;
        };
        let inner = opened.get(1..end).unwrap_or_default();
        match (inner, inner.split_once('|')) {
            ("!channel", _) => converted.push_str("@channel"),
            ("!here", _) => converted.push_str("@here"),
            ("!everyone", _) => converted.push_str("@all"),
            (_, Some((url, title))) if is_url(url) => {
                converted.push_str(&format!("[{title}]({url})"));
            }
            (url, None) if is_url(url) => converted.push_str(url),
            _ => {
                converted.push('<');
                rest = opened.get(1..).unwrap_or_default();
                continue;
            }
        }
        rest = opened.get(end + 1..).unwrap_or_default();
    }
    converted.push_str(rest);
    converted
}

fn is_url(text: &str) -> bool {
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// Splits text into parts that each fit in a post; empty text is one empty part.
pub(super) fn split(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters
        .chunks(MAX_POST_LENGTH)
        .map(|part| part.iter().collect())
        .collect()
}

/// Returns the names after an at sign that the server would look up, in lower case: `channel`,
/// `all`, `here`, and possible users.
pub(super) fn mentions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character == '@' && !before.is_alphanumeric() {
            let rest = text.get(at + 1..).unwrap_or_default();
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
                .collect();
            let name = name.trim_end_matches(['.', '-', '_']).to_ascii_lowercase();
            if !name.is_empty() {
                found.push(name);
            }
        }
        before = character;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_slack_syntax_is_used_it_is_converted() {
        let text = "<!channel> see <https://a.example|the board>, <https://b.example>, 1 < 2 <x>";
        assert_eq!(
            from_slack(text),
            "@channel see [the board](https://a.example), https://b.example, 1 < 2 <x>"
        );
    }

    #[test]
    fn when_text_is_long_it_is_cut_by_characters() {
        let text = "ü".repeat(MAX_POST_LENGTH + 1);
        let parts = split(&text);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts.concat(), text);
        assert_eq!(parts[0].chars().count(), MAX_POST_LENGTH);
    }

    #[test]
    fn when_names_follow_an_at_sign_they_are_mentions() {
        let text = "@channel, (@Alice.) mail@example.com @\u{200b}here @";
        assert_eq!(mentions(text), ["channel", "alice"]);
    }
}
