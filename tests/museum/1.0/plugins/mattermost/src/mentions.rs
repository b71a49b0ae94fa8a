//! Takes the effect of names with an at sign away, and keeps them readable.
//!
//! An alert quotes text that nobody has looked at; an `@channel` in it must
//! not wake the whole company. An invisible character behind the sign does it.

/// Zero width space: no part of a name, and not seen.
const BREAK: char = '\u{200b}';

/// The text, in which no name notifies anybody.
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
            // `<!channel>` and `<@name>`, Slack's way, which it converts.
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
        fn when_text_is_anything_only_the_invisible_is_added(text in "(@|<|!|a|_| |ü|\\PC){0,40}") {
            let quiet = neutralise(&text);
            proptest::prop_assert_eq!(
                quiet.replace(BREAK, ""),
                text.replace(BREAK, "")
            );
            proptest::prop_assert!(!quiet.contains("@a") && !quiet.contains("<!"));
        }
    }
}
