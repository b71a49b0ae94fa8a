//! The signs by which a person acknowledges a post: reactions, and words with which a reply begins.

use crate::config::Config;

/// The reactions that acknowledge by default, by the server's names of emojis. Both names of the
/// thumb are valid there:
/// <https://github.com/mattermost/mattermost/blob/master/webapp/channels/src/utils/emoji.json>.
const REACTIONS: [&str; 7] = [
    "white_check_mark",
    "heavy_check_mark",
    "ballot_box_with_check",
    "ok_hand",
    "+1",
    "thumbsup",
    "eyes",
];

/// The words that acknowledge by default, at the beginning of a reply.
const WORDS: [&str; 5] = ["ack", "acknowledged", "taken", "mine", "on it"];

/// What the server appends to the name of an emoji in another skin tone, the longest first.
const SKIN_TONES: [&str; 5] = [
    "_medium_light_skin_tone",
    "_medium_dark_skin_tone",
    "_medium_skin_tone",
    "_light_skin_tone",
    "_dark_skin_tone",
];

/// The signs of one channel.
pub(crate) struct Signs {
    reactions: Vec<String>,
    words: Vec<String>,
}

impl Signs {
    pub(crate) fn new(config: &Config) -> Self {
        let list = |given: &Option<Vec<String>>, default: &[&str]| match given {
            Some(given) => given.clone(),
            None => default.iter().map(|text| (*text).to_owned()).collect(),
        };
        let reactions = list(&config.acknowledge_reactions, &REACTIONS).into_iter();
        let words = list(&config.acknowledge_words, &WORDS).into_iter();
        let folded = |text: String| text.trim().to_lowercase();
        Self {
            reactions: reactions
                .map(|name| folded(name).trim_matches(':').to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
            words: words.map(folded).filter(|word| !word.is_empty()).collect(),
        }
    }

    /// Returns whether nothing acknowledges.
    pub(crate) fn is_empty(&self) -> bool {
        self.reactions.is_empty() && self.words.is_empty()
    }

    /// Returns whether a reaction with this emoji acknowledges, in any skin tone.
    pub(crate) fn is_reaction(&self, emoji: &str) -> bool {
        let tone = SKIN_TONES.iter().find_map(|tone| emoji.strip_suffix(tone));
        let known = |name: &str| self.reactions.iter().any(|known| known == name);
        known(emoji) || tone.is_some_and(known)
    }

    /// Returns whether a reply with this text acknowledges: it begins with one of the words, in any
    /// case, perhaps after names with an at sign.
    pub(crate) fn is_reply(&self, text: &str) -> bool {
        let mut text = text.trim_start();
        while text.starts_with('@') {
            let name = text.find(char::is_whitespace).unwrap_or(text.len());
            text = text.get(name..).unwrap_or_default().trim_start();
        }
        // Only as much as the longest word needs is folded.
        let longest = self.words.iter().map(|word| word.chars().count()).max();
        let start: String = text.chars().take(longest.unwrap_or_default() + 1).collect();
        let start = start.to_lowercase();
        self.words.iter().any(|word| {
            let rest = start.strip_prefix(word.as_str());
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(extra: serde_json::Value) -> Signs {
        let mut settings = serde_json::json!({"host": "h", "channel": "c"});
        for (name, value) in extra.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        Signs::new(&serde_json::from_value(settings).unwrap())
    }

    #[test]
    fn a_reply_acknowledges_if_it_begins_with_one_of_the_words() {
        let signs = signs(serde_json::json!({}));
        for text in [
            "ack",
            "ACK!",
            " Acknowledged, looking into it",
            "on it",
            "Mine.",
            "@annunciator ack",
            "@a @b taken\nby me",
            "ack'd",
        ] {
            assert!(signs.is_reply(text), "{text}");
        }
        for text in [
            "",
            "@ack",
            "package",
            "acknowledgement?",
            "who has taken it?",
            "minecraft",
            "on its way",
            "mineü",
        ] {
            assert!(!signs.is_reply(text), "{text}");
        }
    }

    #[test]
    fn a_reaction_acknowledges_in_any_skin_tone() {
        let signs = signs(serde_json::json!({}));
        for emoji in [
            "eyes",
            "+1",
            "ok_hand_medium_light_skin_tone",
            "+1_dark_skin_tone",
        ] {
            assert!(signs.is_reaction(emoji), "{emoji}");
        }
        for emoji in ["", "-1", "fire", "_dark_skin_tone", "eyes_tone"] {
            assert!(!signs.is_reaction(emoji), "{emoji}");
        }
    }

    #[test]
    fn the_settings_replace_both_lists() {
        let own = signs(serde_json::json!({
            "acknowledge_reactions": [":hand:", " "], "acknowledge_words": ["Übernehme"],
        }));
        assert!(own.is_reaction("hand") && !own.is_reaction("eyes") && !own.is_reaction(""));
        assert!(own.is_reply("übernehme ich") && !own.is_reply("ack"));
        let none = serde_json::json!({"acknowledge_reactions": [], "acknowledge_words": [""]});
        assert!(signs(none).is_empty());
    }
}
