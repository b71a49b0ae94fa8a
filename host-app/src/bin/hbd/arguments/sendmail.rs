//! The command line of `sendmail`, as far as those who call it need it.

use clap::Args;

use super::Reach;

/// The letters of options that have a value, in the next word if not in the same. Only that of
/// `f` and `r` counts.
const WITH_VALUE: &str = "BCDFLNOoRrVXfhp";

/// A mail on standard input, and whom it is for.
#[derive(Debug, Args)]
pub(crate) struct Sendmail {
    #[command(flatten)]
    pub(crate) reach: Reach,

    /// The options of sendmail, of which -t, -i and -f count, and the recipients: hosts,
    /// channels, groups, or root for the default channels; what follows `@` does not count
    #[arg(
        value_name = "OPTION|RECIPIENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) words: Vec<String>,
}

/// What the words of a call say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MailOptions {
    /// Whether the recipients of the header count.
    pub(crate) is_header_read: bool,
    /// Whether a line with only a dot is text, and not the end.
    is_dot_text: bool,
    /// The sender's address.
    pub(crate) from: Option<String>,
    pub(crate) recipients: Vec<String>,
}

impl MailOptions {
    /// Reads the words of a call; what is unknown is ignored, as callers pass much.
    ///
    /// # Errors
    /// A sentence about an option whose value is missing, or a mode that is no mail's.
    pub(crate) fn read(words: &[String]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let option = word.strip_prefix('-').filter(|rest| !rest.is_empty());
            let Some(option) = option else {
                read.recipients.push(word.clone());
                continue;
            };
            if option == "-" {
                read.recipients.extend(words.cloned());
                break;
            }
            let mut letters = option.chars();
            let letter = letters.next().unwrap_or_default();
            let rest = letters.as_str();
            if letter == 'b' && rest != "m" {
                return Err(format!(
                    "-{option} is not supported: a mail is read, as with -bm"
                ));
            }
            let value = match WITH_VALUE.contains(letter) {
                false => None,
                true if !rest.is_empty() => Some(rest.to_owned()),
                true => {
                    let missing = || format!("-{option} has no value");
                    Some(words.next().ok_or_else(missing)?.clone())
                }
            };
            match (letter, value) {
                ('f' | 'r', Some(from)) => read.from = Some(from).filter(|from| !from.is_empty()),
                ('o', Some(value)) if value == "i" => read.is_dot_text = true,
                ('t' | 'i', _) => {
                    read.is_header_read |= option.contains('t');
                    read.is_dot_text |= option.contains('i');
                }
                _ => {}
            }
        }
        Ok(read)
    }

    /// Returns the mail in an input, up to the line with only a dot if that is its end.
    pub(crate) fn mail<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        if self.is_dot_text {
            return input;
        }
        let mut end = 0;
        for line in input.split_inclusive(|byte| *byte == b'\n') {
            if line.trim_ascii_end() == b"." {
                return &input[..end];
            }
            end += line.len();
        }
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<MailOptions, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        MailOptions::read(&words)
    }

    #[test]
    fn what_cron_and_others_pass_is_read() {
        // Debian's cron, mdadm, bsd-mailx and mutt.
        for (words, is_header_read, is_dot_text, recipients) in [
            (
                "-i -FCronDaemon -B8BITMIME -oem root",
                false,
                true,
                vec!["root"],
            ),
            ("-t", true, false, vec![]),
            (
                "-oi -oem -f anna root -- -x",
                false,
                true,
                vec!["root", "-x"],
            ),
            ("-ti -N never -F Name -odi -bm", true, true, vec![]),
        ] {
            let read = read(words).unwrap();
            assert_eq!(read.is_header_read, is_header_read, "{words}");
            assert_eq!(read.is_dot_text, is_dot_text, "{words}");
            assert_eq!(read.recipients, recipients, "{words}");
        }
        assert_eq!(
            read("-fanna@x root").unwrap().from.as_deref(),
            Some("anna@x")
        );
    }

    #[test]
    fn a_daemon_is_not_what_this_is() {
        assert!(read("-bd").is_err() && read("-bp").is_err() && read("-f").is_err());
    }

    #[test]
    fn a_line_with_only_a_dot_ends_a_mail_unless_it_is_text() {
        let input = b"Subject: s\n\na\n.\nb\n";
        assert_eq!(read("x").unwrap().mail(input), b"Subject: s\n\na\n");
        assert_eq!(read("-i x").unwrap().mail(input), input);
    }
}
