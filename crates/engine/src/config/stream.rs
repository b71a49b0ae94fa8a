//! The usual file, read as it passes by.
//!
//! serde_yaml keeps all events of a file before it hands out the first, which
//! is most of the memory that a large file takes, and `tree` has to read it
//! twice. Here the tree grows while the file is read once. What is out of the
//! ordinary (anchors, tags, merge keys, several documents, odd characters, any
//! error) is left to `tree`, and so is what a scalar means.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::tree::{DuplicateKey, Entry, Node, NodeId, Scalar, Value, kind_of, remove_duplicates};

/// Nothing in a configuration is nested half as deep.
const DEEPEST: usize = 32;

/// The tree of a file and its duplicate keys; `None` when the file is not one
/// of the usual kind, whether it is right or wrong.
pub(super) fn read(text: &str) -> Option<(Node, Vec<DuplicateKey>)> {
    if !text.chars().all(is_usual) {
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

/// Characters about which two parsers of YAML can hardly disagree.
fn is_usual(c: char) -> bool {
    c == '\n'
        || (' '..='~').contains(&c)
        || (c > '\u{a0}'
            && !matches!(
                c,
                '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            ))
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
    use super::{super::tree::read_whole, *};

    /// Whether it was read here, and then to the same tree.
    fn is_read(text: &str) -> bool {
        let Some(here) = read(text) else { return false };
        let there = read_whole(text).unwrap();
        assert_eq!(format!("{here:?}"), format!("{there:?}"), "{text}");
        true
    }

    #[test]
    fn the_tree_is_the_one_that_serde_yaml_gives() {
        for text in [
            include_str!("../../../../config/channels.yaml"),
            include_str!("../../../../config/complete.yaml"),
            include_str!("../../../../config/environments.yaml"),
            "a: 1\nb: 2\na: 3\n",
            "a: {b: [c, 'd e', \"f\\n\"], g: }\nh:\n- i\n-\n- j: k\n",
            "a: |\n  two\n  lines\nb: >-\n  folded\n  text\nc: several\n  plain\n  lines\n",
            "- +12\n- -3\n- 0123\n- 1e5\n- .5\n- 0x1F\n- 0o7\n- 1_000\n- +1x\n- -.inf\n- .nan\n- 1.2.3\n",
            "- yes\n- TRUE\n- False\n- ~\n- null\n- NULL\n- nil\n- ''\n- \n",
            "~: a\n'': b\n1: c\ntrue: d\n",
            "# only a comment before\nä: ö # and behind\n\n\n",
            "--- \na: b\n...\n",
            "just text\n",
            "a: b#c\nurl: http://x:1/y?z#w\ntime: 12:30:45\n",
        ] {
            assert!(is_read(text), "{text}");
        }
    }

    #[test]
    fn what_is_out_of_the_ordinary_is_left_alone() {
        for text in [
            "",
            "# nothing\n",
            "a: &x 1\nb: *x\n",
            "a: !!str 1\n",
            "a: {<<: {b: c}}\n",
            "a: 1\n---\nb: 2\n",
            "[a]: b\n",
            "? {a: b}\n: c\n",
            "a: [\n",
            "a:\tb\n",
            "a: b\r\n",
            "a: \u{7}\n",
            &"[".repeat(40),
        ] {
            assert!(!is_read(text), "{text:?}");
        }
    }
}
