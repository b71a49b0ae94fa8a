//! Removal of secrets from texts of others, such as a remote's answer.

/// The maximum length of a remote's text that a person reads, in characters. Remotes answer with
/// whole pages.
const MAX_REMOTE_TEXT: usize = 300;

/// Replaces each of these secrets in a text by `[…]`, for remotes that repeat what they were
/// sent. The longest is replaced first, since one may be part of another; empty ones are ignored.
///
/// Pass each form of a secret that is sent: base64 hides it from people, but not from this
/// function.
#[must_use]
pub fn without_secrets<S: AsRef<str>>(text: &str, secrets: &[S]) -> String {
    let mut secrets: Vec<&str> = secrets.iter().map(AsRef::as_ref).collect();
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, "[…]"))
}

/// Prepares a text from outside for an outcome, an error or a log: removes these secrets as
/// [`without_secrets`] does, replaces each control character by a blank, and cuts the text to 300
/// characters.
///
/// Secrets are removed first: a part of one that crosses the cut would remain.
///
/// # Examples
/// ```
/// use annunciator_sdk::redacted;
///
/// let answer = "no such webhook:\ntoken-abc";
/// assert_eq!(redacted(answer, &["token-abc"]), "no such webhook: […]");
/// ```
#[must_use]
pub fn redacted<S: AsRef<str>>(text: &str, secrets: &[S]) -> String {
    let visible = |one: char| if one.is_control() { ' ' } else { one };
    let text = without_secrets(text, secrets);
    text.chars().take(MAX_REMOTE_TEXT).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_left_without_secrets_and_their_parts() {
        let secrets = ["", "pass", "password", "x y"];
        let text = "pass password x y px y";
        assert_eq!(without_secrets(text, &secrets), "[…] […] […] p[…]");
        assert_eq!(without_secrets::<&str>(text, &[]), text);
    }

    #[test]
    fn of_a_secret_across_the_cut_nothing_is_left() {
        let before = "é".repeat(MAX_REMOTE_TEXT - 3);
        let shown = redacted(&format!("{before}canary and more"), &["canary"]);
        assert_eq!(shown, format!("{before}[…]"));
    }

    #[test]
    fn a_secret_of_several_lines_is_found_before_they_become_one() {
        let key = "-----BEGIN-----\ncanary\n-----END-----";
        let said = format!("bad\u{1b}[2J key\r\n{key}");
        assert_eq!(redacted(&said, &[key]), "bad [2J key  […]");
    }
}
