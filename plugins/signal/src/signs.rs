//! The signs by which a person acknowledges a message: reactions, and words with which a reply
//! begins.

/// The reactions that acknowledge by default.
const REACTIONS: [&str; 6] = ["✅", "☑", "✔", "👌", "👍", "👀"];

/// The words that acknowledge by default, at the beginning of a reply.
const WORDS: [&str; 5] = ["ack", "acknowledged", "taken", "mine", "on it"];

/// The signs of one channel.
pub(crate) struct Signs {
    reactions: Vec<String>,
    words: Vec<String>,
}

impl Signs {
    /// Creates the signs of these settings, each with its default.
    pub(crate) fn new(reactions: Option<&[String]>, words: Option<&[String]>) -> Self {
        let list = |given: Option<&[String]>, default: &[&str]| -> Vec<String> {
            match given {
                Some(given) => given.to_vec(),
                None => default.iter().map(|text| (*text).to_owned()).collect(),
            }
        };
        let reactions = list(reactions, &REACTIONS).into_iter();
        let words = list(words, &WORDS).into_iter();
        Self {
            reactions: reactions
                .map(|emoji| plain(&emoji))
                .filter(|emoji| !emoji.is_empty())
                .collect(),
            words: words
                .map(|word| word.trim().to_lowercase())
                .filter(|word| !word.is_empty())
                .collect(),
        }
    }

    /// Returns whether nothing acknowledges.
    pub(crate) fn is_empty(&self) -> bool {
        self.reactions.is_empty() && self.words.is_empty()
    }

    /// Returns whether a reaction with this emoji acknowledges, in any skin tone.
    pub(crate) fn is_reaction(&self, emoji: &str) -> bool {
        let emoji = plain(emoji);
        self.reactions.contains(&emoji)
    }

    /// Returns whether a reply with this text acknowledges: it begins with one of the words, in any
    /// case.
    pub(crate) fn is_reply(&self, text: &str) -> bool {
        // Only as much as the longest word needs is folded.
        let longest = self.words.iter().map(|word| word.chars().count()).max();
        let start = text.trim_start().chars();
        let start: String = start.take(longest.unwrap_or_default() + 1).collect();
        let start = start.to_lowercase();
        self.words.iter().any(|word| {
            let rest = start.strip_prefix(word.as_str());
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    }
}

/// Returns an emoji without its skin tone and without the selector of its presentation, which
/// phones add or not (Unicode, UTS 51).
fn plain(emoji: &str) -> String {
    let is_variant = |c: char| matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    emoji.trim().chars().filter(|c| !is_variant(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default() -> Signs {
        Signs::new(None, None)
    }

    #[test]
    fn a_reaction_acknowledges_in_any_skin_tone_and_presentation() {
        let signs = default();
        for emoji in ["👍", "👍🏿", "✔️", "☑", "👀"] {
            assert!(signs.is_reaction(emoji), "{emoji}");
        }
        for emoji in ["", "👎", "🔥", "🏿"] {
            assert!(!signs.is_reaction(emoji), "{emoji}");
        }
    }

    #[test]
    fn a_reply_acknowledges_if_it_begins_with_one_of_the_words() {
        let signs = default();
        for text in ["ack", "ACK!", " Mine, the disk is full", "on it"] {
            assert!(signs.is_reply(text), "{text}");
        }
        for text in ["", "package", "who?", "minecraft"] {
            assert!(!signs.is_reply(text), "{text}");
        }
    }

    #[test]
    fn the_settings_replace_both_lists() {
        let list = |text: &str| vec![text.to_owned()];
        let own = Signs::new(Some(&list("✋🏽")), Some(&list("Übernehme")));
        assert!(own.is_reaction("✋") && !own.is_reaction("👍"));
        assert!(own.is_reply("übernehme ich") && !own.is_reply("ack"));
        assert!(Signs::new(Some(&list(" ")), Some(&[])).is_empty());
    }
}
