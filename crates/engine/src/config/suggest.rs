//! "Did you mean" suggestions: finds the known word that is closest to a misspelt one.

use super::redact::may_be_shown;

/// Words less alike than this are not suggested.
const MIN_SIMILARITY: f64 = 0.8;

/// Nobody mistypes a longer word, in bytes; and comparing costs the square of it.
const MAX_WORD: usize = 128;
/// So many candidates are compared with a word.
const MAX_CANDIDATES: usize = 1000;

/// The candidate that is most like the word, if one is.
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

/// A help text: the likely word, else all the words there are.
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

/// A help text: the value as the only item of a list.
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
