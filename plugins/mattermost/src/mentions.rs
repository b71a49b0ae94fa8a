//! Neutralises names with an at sign, which stay readable.
//!
//! An alert quotes text that nobody has checked, and an `@channel` in it must not wake the whole
//! company. An invisible character after the sign prevents that.

/// A zero-width space, which is invisible and cannot be part of a name.
const BREAK: char = '\u{200b}';

/// Returns the text with an invisible character in each name, so that none notifies anybody.
pub(crate) fn neutralise(text: &str) -> String {
    if !text.contains(['@', '<']) {
        return text.to_owned();
    }
    let mut quiet = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        quiet.push(character);
        let next = characters.peek().copied();
        let names = match character {
            // `@name`, as the server understands it.
            '@' => next.is_some_and(|next| next.is_alphanumeric() || next == '_'),
            // `<!channel>` and `<@name>`, Slack's syntax, which the server converts.
            '<' => matches!(next, Some('!' | '@')),
            _ => false,
        };
        if names {
            quiet.push(BREAK);
        }
    }
    quiet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_names_are_in_a_text_they_are_broken_and_nothing_else_is() {
        let text = "@channel <!here> <@U1> a @ b @here. #tag ~town <b>";
        let quiet = neutralise(text);
        assert_eq!(quiet.replace(BREAK, ""), text);
        assert_eq!(quiet.matches(BREAK).count(), 5);
        assert!(!quiet.contains("@c") && !quiet.contains("<!") && !quiet.contains("<@"));
    }

    proptest::proptest! {
        #[test]
        fn when_text_is_anything_only_the_break_is_added(text in "(@|<|!|a|_| |ü|\\PC){0,40}") {
            let quiet = neutralise(&text);
            proptest::prop_assert_eq!(
                quiet.replace(BREAK, ""),
                text.replace(BREAK, "")
            );
            proptest::prop_assert!(!quiet.contains("@a") && !quiet.contains("<!"));
        }
    }
}
