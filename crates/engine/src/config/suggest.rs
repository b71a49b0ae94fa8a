//! "Did you mean" suggestions: finds the known word that is closest to a misspelt one.

use super::redact::may_be_shown;

/// The minimum similarity of a suggested word.
const MIN_SIMILARITY: f64 = 0.8;

/// The maximum length of a word that is compared, in bytes. A longer one is not mistyped, and the
/// cost of a comparison grows with the square of the length.
const MAX_WORD: usize = 128;
/// The maximum number of candidates that are compared with a word.
const MAX_CANDIDATES: usize = 1000;

/// Returns the candidate that is most similar to the word, if any is similar enough.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_WORD)
        .take(MAX_CANDIDATES)
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(alike, _)| *alike >= MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Returns a help text: the likely word, or otherwise all words.
pub(crate) fn help<'a>(
    word: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    if let Some(found) = closest(word, candidates.clone()) {
        return format!("did you mean `{found}`?");
    }
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    match all.len() {
        0 => format!("there are no {what}"),
        n if n > 24 => format!("there are {n} {what}, and none is like it"),
        _ => format!("the {what} are: {}", all.join(", ")),
    }
}

/// Returns a help text: the value as the only item of a list.
pub(crate) fn as_list(text: &str) -> String {
    if !may_be_shown(text) || text.chars().count() > 60 {
        return "write a list: [ … ]".to_owned();
    }
    format!("write a list: [{text}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let fields = ["smtp_password", "smtp_port", "recipients"];
        assert_eq!(closest("smtp_pasword", fields), Some("smtp_password"));
        assert_eq!(closest("Recipient", fields), Some("recipients"));
        assert_eq!(closest("colour", fields), None);
    }
}
