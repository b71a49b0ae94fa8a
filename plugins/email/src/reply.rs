//! A server's reply: its code, its enhanced code and its text.

use std::fmt;

/// The maximum size of a reply in octets. Postfix allows about as much.
pub(crate) const REPLY_MAX: usize = 64 * 1024;

/// One reply, with all its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The three digits.
    pub(crate) code: u16,
    /// The text of each line, without the code.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// Parses one line into its code, its text and whether it is the last.
    pub(crate) fn parse_line(line: &str) -> Option<(u16, &str, bool)> {
        let digits = line.get(..3)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let code: u16 = digits.parse().ok()?;
        let last = match line.as_bytes().get(3) {
            None | Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return None,
        };
        (200..=599)
            .contains(&code)
            .then(|| (code, line.get(4..).unwrap_or_default(), last))
    }

    /// Returns whether the command succeeded (2xx).
    pub(crate) fn is_ok(&self) -> bool {
        self.code / 100 == 2
    }

    /// Returns the enhanced code of RFC 3463, if it is of the reply code's class. If the two
    /// disagree, the reply code wins.
    pub(crate) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let class: u16 = parts.next()?.parse().ok()?;
        let numeric = |part: &str| (1..=3).contains(&part.len()) && part.parse::<u16>().is_ok();
        let sound = numeric(parts.next()?) && numeric(parts.next()?) && parts.next().is_none();
        (sound && class == self.code / 100).then_some(word)
    }

    /// Returns the text of all lines, for people.
    pub(crate) fn text(&self) -> String {
        self.lines.join(" / ")
    }

    /// Returns the codes, such as `550 5.1.1` or `550`.
    pub(crate) fn codes(&self) -> String {
        match self.enhanced() {
            Some(enhanced) => format!("{} {enhanced}", self.code),
            None => self.code.to_string(),
        }
    }

    /// Returns whether the reply says that this transaction has too many recipients, which is not
    /// an error: RFC 5321, section 4.5.3.1.10, and the old 552 that it names.
    pub(crate) fn too_many_recipients(&self) -> bool {
        let said = self.text().to_ascii_lowercase().contains("too many");
        match (self.code, self.enhanced()) {
            (452, Some("4.5.3")) => true,
            (452, None) | (552, _) => said,
            _ => false,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let shown: String = text.chars().filter(|c| !c.is_control()).take(500).collect();
        write!(f, "{} {shown}", self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        Reply {
            code,
            lines: vec![text.to_owned()],
        }
    }

    #[test]
    fn a_line_is_parsed_or_refused() {
        assert_eq!(Reply::parse_line("250 ok"), Some((250, "ok", true)));
        assert_eq!(Reply::parse_line("250-ok"), Some((250, "ok", false)));
        assert_eq!(Reply::parse_line("354"), Some((354, "", true)));
        for line in ["", "25", "* OK IMAP", "+OK POP", "2500 x", "999 x", "ä50 x"] {
            assert_eq!(Reply::parse_line(line), None, "{line}");
        }
    }

    #[test]
    fn an_enhanced_code_counts_only_if_it_agrees() {
        assert_eq!(reply(550, "5.1.1 gone").enhanced(), Some("5.1.1"));
        assert_eq!(reply(450, "5.1.1 gone").enhanced(), None);
        assert_eq!(reply(550, "5.1 gone").enhanced(), None);
        assert_eq!(reply(550, "gone").enhanced(), None);
    }

    #[test]
    fn too_many_recipients_is_distinguished_from_a_full_disk() {
        assert!(reply(452, "4.5.3 too many").too_many_recipients());
        assert!(reply(452, "Too many recipients").too_many_recipients());
        assert!(reply(552, "too many recipients").too_many_recipients());
        assert!(!reply(452, "4.3.1 insufficient storage").too_many_recipients());
        assert!(!reply(552, "5.3.4 message too big").too_many_recipients());
    }
}
