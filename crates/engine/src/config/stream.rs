//! A large file of simple lines, read as it passes by.
//!
//! serde_yaml keeps all events of a file before it hands out the first, which
//! is most of the memory that a large file takes, and `tree` has to read it
//! twice. Here the tree grows while the file is read once, by another parser.
//! Two parsers of YAML do not agree on everything, so this is done only for
//! files that are large, as generated ones are, and hold nothing but lines so
//! simple that they do. What a scalar means is serde_yaml's to say here, too.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{
    keys::remove_duplicates,
    tree::{DuplicateKey, Entry, Node, NodeId, Scalar, Value, kind_of},
};

/// Nothing in a configuration is nested half as deep.
const DEEPEST: usize = 32;

/// A smaller file costs little memory in any case.
const LARGE: usize = 1024 * 1024;

/// The tree of a file and its duplicate keys; `None` when the file is not
/// large or not simple, whether it is right or wrong.
pub(super) fn read(text: &str) -> Option<(Node, Vec<DuplicateKey>)> {
    if text.len() < LARGE {
        None
    } else {
        read_simple(text)
    }
}

fn read_simple(text: &str) -> Option<(Node, Vec<DuplicateKey>)> {
    if !text.split('\n').all(is_simple) {
        return None;
    }
    let mut growing = Growing::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        match event.ok()?.0 {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => documents += 1,
            Event::Scalar(text, style, 0, None) => growing.scalar(&text, style)?,
            Event::SequenceStart(0, None) => growing.open(Open::List(Vec::new()))?,
            Event::MappingStart(0, None) => growing.open(Open::Map(Vec::new(), None))?,
            Event::SequenceEnd | Event::MappingEnd => growing.close()?,
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..) => return None,
        }
    }
    let root = growing.root.filter(|_| documents == 1)?;
    Some((root, growing.duplicates))
}

/// Whether a line is empty, a comment, or `key:`, `key: value`, `- value`,
/// `key: [value, value]`, `key: {key: value, key: value}`, each with a comment
/// behind it if need be.
fn is_simple(line: &str) -> bool {
    let body = line.trim_start_matches(' ');
    if body.is_empty() || body.starts_with('#') {
        return body.chars().all(|c| (' '..='~').contains(&c));
    }
    let body = body
        .split_once(" #")
        .map_or(body, |(body, _)| body)
        .trim_end_matches(' ');
    if let Some(item) = body.strip_prefix("- ") {
        return is_item(item);
    }
    let Some((key, value)) = body.split_once(':') else {
        return false;
    };
    if !is_item(key) {
        return false;
    }
    let Some(value) = value.strip_prefix(' ') else {
        return value.is_empty();
    };
    if let Some(list) = between(value, '[', ']') {
        return list.split(", ").all(is_item);
    }
    if let Some(map) = between(value, '{', '}') {
        return map.split(", ").all(|field| {
            let field = field.split_once(": ");
            field.is_some_and(|(key, value)| is_item(key) && is_item(value))
        });
    }
    is_item(value)
}

fn between(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// A word, or a text in quotes in which nothing is escaped.
fn is_item(text: &str) -> bool {
    let plain = |text: &str, special: &[char]| {
        text.chars()
            .all(|c| (' '..='~').contains(&c) && !special.contains(&c))
    };
    is_word(text)
        || between(text, '"', '"').is_some_and(|text| plain(text, &['"', '\\']))
        || between(text, '\'', '\'').is_some_and(|text| plain(text, &['\'']))
}

/// A word without anything that means something in YAML.
fn is_word(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '/');
    let any = |c: char| c.is_ascii_alphanumeric() || "_+/.@*-".contains(c);
    text.starts_with(first) && text.chars().all(any)
}

/// A list or a mapping whose end has not come yet.
enum Open {
    List(Vec<Node>),
    /// With the key whose value has not come yet.
    Map(Vec<Entry>, Option<(Box<str>, NodeId)>),
}

#[derive(Default)]
struct Growing {
    open: Vec<(NodeId, Open)>,
    next: u32,
    root: Option<Node>,
    duplicates: Vec<DuplicateKey>,
}

impl Growing {
    fn number(&mut self) -> NodeId {
        let id = NodeId(self.next);
        self.next += 1;
        id
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) -> Option<()> {
        let kind = match style {
            ScalarStyle::Plain => kind_of(text),
            _ => Scalar::Text,
        };
        let text = if kind == Scalar::Null { "" } else { text };
        let id = self.number();
        let value = Value::Scalar(kind, text.into());
        self.add(Node { id, value })
    }

    fn open(&mut self, new: Open) -> Option<()> {
        // A key that is no scalar is refused elsewhere.
        if let Some((_, Open::Map(_, None))) = self.open.last() {
            return None;
        }
        let id = self.number();
        self.open.push((id, new));
        (self.open.len() <= DEEPEST).then_some(())
    }

    fn close(&mut self) -> Option<()> {
        let (id, closed) = self.open.pop()?;
        let value = match closed {
            Open::List(mut nodes) => {
                nodes.shrink_to_fit();
                Value::List(nodes)
            }
            Open::Map(_, Some(_)) => return None,
            Open::Map(mut entries, None) => {
                if entries.iter().any(|entry| &*entry.key == "<<") {
                    return None;
                }
                remove_duplicates(&mut entries, &mut self.duplicates);
                entries.shrink_to_fit();
                Value::Map(entries)
            }
        };
        self.add(Node { id, value })
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node) -> Option<()> {
        match self.open.last_mut() {
            None => match self.root {
                Some(_) => return None,
                None => self.root = Some(node),
            },
            Some((_, Open::List(nodes))) => nodes.push(node),
            Some((_, Open::Map(entries, key))) => match key.take() {
                Some((key, key_id)) => entries.push(Entry { key, key_id, node }),
                None => match node.value {
                    Value::Scalar(_, text) => *key = Some((text, node.id)),
                    Value::List(_) | Value::Map(_) => return None,
                },
            },
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tree::read_whole, *};

    /// Whether it was read here, and then to the same tree.
    fn is_read(text: &str) -> bool {
        let Some(here) = read_simple(text) else {
            return false;
        };
        let there = read_whole(text).unwrap();
        assert_eq!(format!("{here:?}"), format!("{there:?}"), "{text}");
        true
    }

    #[test]
    fn the_tree_is_the_one_that_serde_yaml_gives() {
        for text in [
            "a: 1\nb: 2\na: 3\n",
            "hosts:\n  web-01: # the first\n    watch: true\n    channels: [a, b]\n  db:\n",
            "a:\n  - +12\n  - 0123\n  - 1e5\n  - 0x1F\n  - 1_000\n  - 1.2.3\n",
            "a:\n- yes\n- TRUE\n- null\n- nil\n",
            "1: c\ntrue: d\n",
            "a.*.b: {warning: \"> 80\", for: 3, \"x\": \"\"}\n\"c d\": [\"12\", e]\nf:\n  - \"- g\"\n",
            "a: '> 80'\n'b c': {d: '\\', 'e': ''}\n",
            "# only a comment before\n\na: b # and behind\n\n\n",
            "a: b#c\n",
        ] {
            assert!(is_read(text) || text.contains("b#c"), "{text}");
        }
    }

    #[test]
    fn what_is_not_simple_is_left_alone() {
        for text in [
            "",
            "a: &x 1\nb: *x\n",
            "a: !!str 1\n",
            "<<: b\n",
            "a: 1\n---\nb: 2\n",
            "? a\n: c\n",
            "a: [\n",
            "a:\tb\n",
            "a: b\r\n",
            "a: \u{7}\n",
            "a: 'it''s'\n",
            "a: ---\n",
            "a: |\n  b\n",
            "a: b\n  c\n",
            "a: ä\n",
            "a: \"x\\n\"\n",
            "a: \"x\n  y\"\n",
            "a: \"x\" y\n",
            "a: {b}\n",
            "a: {}\n",
            "a: {b: {c: d}}\n",
        ] {
            assert!(!is_read(text), "{text:?}");
        }
    }

    /// Lines that are put together at random: what comes out is often YAML,
    /// and often nearly.
    fn soup() -> impl Strategy<Value = String> {
        let scalar = prop::sample::select(vec![
            "",
            "a",
            "b c",
            "+12",
            "0123",
            "1e5",
            "yes",
            "~",
            "null",
            "true",
            "'q'",
            "x: y",
            "- z",
            "#c",
            "a #c",
            "a#c",
            "[1, b]",
            "[a]",
            "[]",
            "{k: v}",
            "|",
            "&x",
            "?",
            ":",
            "-",
            "a:",
            "a/b",
            "12:30",
            "[",
            ".5",
            "0x1F",
            "...",
            "---",
            "ä",
            "_",
            "+",
            "/",
            "\"q\"",
            "\"> 80\"",
            "\"a: b\"",
            "\"a, b\"",
            "\"\"",
            "\"a #b\"",
            "{k: \"q\", l: 3}",
            "'> 8'",
            "'a: b'",
            "''",
            "'it''s'",
            "{'k': 'q'}",
            "['1', a]",
            "'a",
            "{k: [a]}",
            "[\"q\", \"1\"]",
            "{\"k\": v}",
            "{}",
            "\"a",
            "a\"",
            "\"a\" b",
            "a*b",
            "\"<<\"",
        ]);
        let key = prop::sample::select(vec![
            "",
            "k: ",
            "l: ",
            "m:",
            "- ",
            "- m: ",
            "? ",
            "k:",
            "- - ",
            "key_2: ",
            "3: ",
            "\"k l\": ",
            "\"m\":",
            "a.*.b: ",
        ]);
        let line = (0..4usize, key, scalar);
        prop::collection::vec(line, 0..8).prop_map(|lines| {
            let lines = lines.into_iter();
            lines
                .map(|(indent, key, scalar)| format!("{}{key}{scalar}\n", "  ".repeat(indent)))
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn what_is_read_here_is_read_alike_there(text in soup()) {
            is_read(&text);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            is_read(&text);
        }
    }
}
