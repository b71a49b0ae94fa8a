//! The monitor's messages: what documents quote of them is what it says.
//!
//! The texts are read from the source, where each is a format: what it puts in is a gap
//! here, which any text fills.

use std::fs;

use proc_macro2::TokenTree;
use syn::{
    Item, Macro,
    visit::{self, Visit},
};

use crate::{none, root};

const WORDS: &str = "crates/monitor/src/incidents/words.rs";

/// Formats of parts of messages.
const PARTS: [&str; 2] = ["{} {}", "and {} more"];

/// A host's own words, which may be any.
const REPORTED: &str = "{host} {message}";

/// A format, by its characters; `None` is a gap.
type Gapped = Vec<Option<char>>;

/// The formats of messages in a source.
fn formats(source: &str) -> Vec<String> {
    struct Reader(Vec<String>);
    impl<'ast> Visit<'ast> for Reader {
        fn visit_item(&mut self, item: &'ast Item) {
            // The last item is that of the tests.
            if !matches!(item, Item::Mod(_)) {
                visit::visit_item(self, item);
            }
        }
        fn visit_macro(&mut self, called: &'ast Macro) {
            let first = called.tokens.clone().into_iter().next();
            if let (true, Some(TokenTree::Literal(first))) = (called.path.is_ident("format"), first)
            {
                let text: syn::LitStr = syn::parse_str(&first.to_string()).unwrap();
                self.0.push(text.value());
            }
        }
    }
    let mut reader = Reader(Vec::new());
    reader.visit_file(&syn::parse_file(source).unwrap());
    // Without a blank it is a name.
    reader
        .0
        .retain(|format| format.contains(' ') && !PARTS.contains(&format.as_str()));
    reader.0
}

fn of_format(format: &str) -> Gapped {
    let mut gapped = Gapped::new();
    let mut parts = format.split('{');
    gapped.extend(parts.next().unwrap().chars().map(Some));
    for part in parts {
        gapped.push(None);
        let (_, text) = part.split_once('}').unwrap();
        gapped.extend(text.chars().map(Some));
    }
    gapped
}

/// Whether a document's message is one by a format. What it leaves out fills a gap, or
/// is the rest, if it has the beginning in the format's own letters.
fn agree(format: &Gapped, message: &str) -> bool {
    let message: Vec<char> = message.chars().collect();
    let width = message.len() + 1;
    // By the characters that were read of both, and whether a letter of the format was.
    let mut reached = vec![[false; 2]; (format.len() + 1) * width];
    reached[0][0] = true;
    for (i, j) in (0..=format.len()).flat_map(|i| (0..width).map(move |j| (i, j))) {
        for has_letter in [false, true] {
            if !reached[i * width + j][usize::from(has_letter)] {
                continue;
            }
            let (one, other) = (format.get(i), message.get(j));
            let is_rest = other == Some(&'…') && j + 1 == message.len();
            match (one, other) {
                (None, None) => return true,
                _ if is_rest && has_letter => return true,
                (Some(None), other) => {
                    reached[(i + 1) * width + j][usize::from(has_letter)] = true;
                    // A gap that others follow has no text with parts.
                    let is_last = i + 1 == format.len();
                    let fits = |c: &char| is_last || ![':', ';'].contains(c);
                    if other.is_some_and(fits) {
                        reached[i * width + j + 1][usize::from(has_letter)] = true;
                    }
                }
                (Some(Some(one)), Some(other)) if one == other => {
                    let has_letter = has_letter || one.is_alphabetic();
                    reached[(i + 1) * width + j + 1][usize::from(has_letter)] = true;
                }
                _ => {}
            }
        }
    }
    false
}

/// Whether a document's message is one by this format. A format without a letter is that
/// of a message that is quoted whole; one without a mark besides could be anything.
fn is_by(format: &str, message: &str) -> bool {
    let format = of_format(format);
    let literal = || format.iter().flatten();
    let says_something = literal().any(|c| c.is_alphabetic())
        || literal().any(|c| !c.is_whitespace()) && !message.contains('…');
    says_something && agree(&format, message)
}

fn source() -> String {
    fs::read_to_string(root().join(WORDS)).unwrap()
}

#[test]
fn the_messages_in_documents_are_those_of_the_monitor() {
    let formats = formats(&source());
    assert!(formats.len() > 12, "{formats:?}");
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (guide, readme) = (read("docs/monitor.md"), read("README.md"));
    let mut messages: Vec<(&str, String)> = Vec::new();
    let rows = guide
        .lines()
        .skip_while(|line| *line != "| event | text | when |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    for cells in rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>()) {
        // A host's own words.
        if cells[1] != "message" {
            let quoted = cells[2].split('`').skip(1).step_by(2);
            messages.extend(quoted.map(|text| ("docs/monitor.md", text.to_owned())));
        }
    }
    let table = messages.len();
    let section = readme.split("\n## The heartbeat monitor\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    for block in section.split("```text\n").skip(1) {
        let lines = block.split("```").next().unwrap().lines();
        messages.extend(lines.map(|line| ("README.md", line.to_owned())));
    }
    assert!(
        table > 8 && messages.len() > table,
        "the documents were not read: {messages:?}"
    );
    let mut broken = Vec::new();
    for (document, message) in &messages {
        if !formats.iter().any(|format| is_by(format, message)) {
            broken.push(format!("{document}: the monitor does not say {message:?}"));
        }
    }
    for format in &formats {
        let mut known = messages[..table].iter();
        if format != REPORTED && !known.any(|(_, message)| is_by(format, message)) {
            broken.push(format!("docs/monitor.md: the table lacks {format:?}"));
        }
    }
    none(broken);
}

#[test]
fn words_of_messages_in_prose_are_those_of_the_monitor() {
    let formats = formats(&source());
    let mut broken = Vec::new();
    for document in ["docs/monitor.md", "config/monitor.yaml"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let is_prose = |line: &&str| document.ends_with(".md") || line.trim().starts_with('#');
        let prose: Vec<&str> = text.lines().filter(is_prose).collect();
        let prose = prose.join("\n");
        // Not in backticks: that is code.
        let prose: String = prose.split('`').step_by(2).collect();
        let quoted = prose.split('"').skip(1).step_by(2);
        let is_words = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
        let quoted: Vec<&str> = quoted.filter(is_words).collect();
        assert!(quoted.len() > 1, "{document}: {quoted:?}");
        for words in quoted {
            if !formats.iter().any(|format| format.ends_with(words)) {
                broken.push(format!("{document}: the monitor does not say {words:?}"));
            }
        }
    }
    none(broken);
}

#[test]
fn a_message_that_is_quoted_wrongly_is_found() {
    for (format, message, is_right) in [
        ("{host} booted", "web-01 booted", true),
        ("{host} booted", "web-01 rebooted", false),
        ("{host} booted", "web-01 booted.", false),
        ("{} {} is back", "web-01 IPv4 is back", true),
        ("{} {} is back", "web-01 IPv4 came back", false),
        ("{n} are back: {names}", "12 are back: web-01 IPv4, …", true),
        (
            "{n} are back: {names}",
            "12 came back: web-01 IPv4, …",
            false,
        ),
        ("from {} to {}; {n} left", "from … to …; 3 left", true),
        ("from {} to {}; {n} left", "from … to …; 3 gone", false),
        ("{n} changes; the next one", "6 changes; …", true),
        ("{n} changes; the next one", "6 changings; …", false),
        ("{a}: {b} - {c} = {d}", "X: web-01 - cpu = 9", true),
        ("{a}: {b} - {c} = {d}", "X: web-01 - cpu is 9", false),
        ("{a}: {b} - {c} = {d}", "6 changings: …", false),
        ("{host} {message}", "web-01 anything", false),
        ("{} {} is back", "web-01 IPv4 fell silent …", false),
        ("{level}: {path} {info}", "X: cpu (threshold: > 90.0)", true),
    ] {
        assert_eq!(is_by(format, message), is_right, "{format} {message}");
    }
}
