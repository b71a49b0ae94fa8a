//! Texts with the few tags that Pushover supports: <https://pushover.net/api#html>.
//!
//! Everything except those tags is escaped, so that a `<` or `&` of an alert appears as such. A
//! text is never cut within a tag or an entity, and open tags are closed after the cut.

/// The tags that Pushover supports.
const TAGS: [&str; 5] = ["b", "i", "u", "font", "a"];

/// The character that replaces the end of a text that did not fit.
const ELLIPSIS: char = '…';

/// Escapes everything except tags, and fits the text into `limit` characters. Returns the text, and
/// whether anything was cut.
pub(crate) fn fit(text: &str, limit: usize) -> (String, bool) {
    let mut fitted = Fitted {
        text: String::new(),
        length: 0,
        open: Vec::new(),
        // One character is reserved for the ellipsis.
        limit: limit.saturating_sub(1),
    };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (piece, step) = piece(rest, first);
        if !fitted.push(&piece) {
            return (fitted.close(true), true);
        }
        rest = rest.get(step..).unwrap_or_default();
    }
    (fitted.close(false), false)
}

enum Piece {
    Open(String, String),
    Close(String),
    Text(String),
}

fn piece(rest: &str, first: char) -> (Piece, usize) {
    if first == '<'
        && let Some(end) = rest.find('>')
        && let Some(tag) = tag(rest.get(1..end).unwrap_or_default())
    {
        return (tag, end + 1);
    }
    let text = match first {
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        other => other.to_string(),
    };
    (Piece::Text(text), first.len_utf8())
}

fn tag(inner: &str) -> Option<Piece> {
    if let Some(name) = inner.strip_prefix('/') {
        let name = name.trim().to_ascii_lowercase();
        return TAGS.contains(&name.as_str()).then_some(Piece::Close(name));
    }
    if !inner.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let name = inner.split_whitespace().next()?.to_ascii_lowercase();
    let has_more = inner.contains(char::is_whitespace);
    let fits = match name.as_str() {
        "a" => inner.contains("href="),
        "font" => inner.contains("color="),
        _ => !has_more,
    };
    let known = TAGS.contains(&name.as_str()) && fits && !inner.contains('<');
    known.then(|| Piece::Open(name, format!("<{inner}>")))
}

struct Fitted {
    text: String,
    length: usize,
    open: Vec<String>,
    limit: usize,
}

impl Fitted {
    /// Appends a piece. Returns `false` if the piece and the tags to close do not fit.
    fn push(&mut self, piece: &Piece) -> bool {
        let (text, closing) = match piece {
            Piece::Text(text) => (text.clone(), self.closing()),
            Piece::Open(name, text) => (text.clone(), self.closing() + closer(name).len()),
            Piece::Close(name) => {
                if self.open.last() != Some(name) {
                    // The tag closes none that is open here, so it is dropped.
                    return true;
                }
                self.open.pop();
                self.append(&closer(name));
                return true;
            }
        };
        if self.length + text.chars().count() + closing > self.limit {
            return false;
        }
        self.append(&text);
        if let Piece::Open(name, _) = piece {
            self.open.push(name.clone());
        }
        true
    }

    fn append(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }

    fn closing(&self) -> usize {
        self.open.iter().map(|name| closer(name).len()).sum()
    }

    fn close(mut self, cut: bool) -> String {
        if cut {
            self.text.push(ELLIPSIS);
        }
        while let Some(name) = self.open.pop() {
            self.text.push_str(&closer(&name));
        }
        self.text
    }
}

fn closer(name: &str) -> String {
    format!("</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, limit: usize, expected: &str) {
        let (fitted, _) = fit(text, limit);
        assert_eq!(fitted, expected);
        assert!(fitted.chars().count() <= limit);
    }

    #[test]
    fn when_text_is_not_a_tag_it_is_escaped() {
        check("1 < 2 && <x> </b>", 100, "1 &lt; 2 &amp;&amp; &lt;x&gt; ");
        check("<b>disk</b> full", 100, "<b>disk</b> full");
        check(
            "<a href=\"https://a.example\">board</a>",
            100,
            "<a href=\"https://a.example\">board</a>",
        );
    }

    #[test]
    fn when_text_is_cut_tags_are_closed_and_entities_whole() {
        check("<b>disk is full</b>", 12, "<b>disk…</b>");
        check("aaaa&&&&", 8, "aaaa…");
        check("<b>open", 100, "<b>open</b>");
        check("", 5, "");
    }

    proptest::proptest! {
        #[test]
        fn when_text_is_anything_it_fits_and_every_tag_is_closed(
            text in "(<|>|&|/|b|i|a href=|font color=|x|ü|\n| |<b>|</b>|</i>|<u>){0,60}",
            limit in 1_usize..80,
        ) {
            let (fitted, cut) = fit(&text, limit);
            proptest::prop_assert!(fitted.chars().count() <= limit);
            for tag in TAGS {
                let opened = fitted.matches(&format!("<{tag}>")).count()
                    + fitted.matches(&format!("<{tag} ")).count();
                let closed = fitted.matches(&format!("</{tag}>")).count();
                proptest::prop_assert_eq!(opened, closed, "{} in {}", tag, fitted);
            }
            proptest::prop_assert!(cut || !fitted.ends_with(ELLIPSIS));
        }
    }
}
