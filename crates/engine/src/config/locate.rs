//! Where in the file a node stands.
//!
//! Positions are only needed when there is something to tell, so they are
//! looked up afterwards, for the nodes in question, by walking the events of
//! a second parser in the same order in which the tree was numbered.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

use super::tree::NodeId;

/// A piece of the file: bytes, and line and column for people (from 1, the
/// column in characters).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Finds the spans of some nodes. A node inside an alias is found at the alias.
pub(crate) fn locate(
    text: &str,
    wanted: impl IntoIterator<Item = NodeId>,
) -> HashMap<NodeId, Span> {
    let mut wanted: Vec<NodeId> = wanted.into_iter().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut walk = Walk {
        wanted,
        found: Vec::new(),
        next: 0,
        open: Vec::new(),
        sizes: HashMap::new(),
    };
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let (start, end) = (span.start.index(), span.end.index());
        let place = Place {
            start,
            end,
            line: span.start.line(),
            column: span.start.col() + 1,
        };
        match event {
            Event::Scalar(_, _, anchor, _) => {
                walk.node(place, 1);
                walk.sizes.insert(anchor, 1);
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                walk.open.push((anchor, walk.next));
                walk.node(place, 1);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, first)) = walk.open.pop() {
                    walk.sizes.insert(anchor, walk.next - first);
                }
            }
            Event::Alias(anchor) => {
                let size = walk.sizes.get(&anchor).copied().unwrap_or(1);
                walk.node(place, size);
            }
            _ => {}
        }
    }
    walk.into_spans(text)
}

/// A span in characters.
struct Place {
    start: usize,
    end: usize,
    line: usize,
    column: usize,
}

struct Walk {
    /// Sorted; those up to `found.len()` have been passed.
    wanted: Vec<NodeId>,
    found: Vec<Place>,
    next: u32,
    open: Vec<(usize, u32)>,
    sizes: HashMap<usize, u32>,
}

impl Walk {
    fn node(&mut self, place: Place, size: u32) {
        let end = self.next.saturating_add(size);
        while self
            .wanted
            .get(self.found.len())
            .is_some_and(|id| id.0 < end)
        {
            self.found.push(Place { ..place });
        }
        self.next = end;
    }

    /// Turns positions in characters into positions in bytes, in one go.
    fn into_spans(self, text: &str) -> HashMap<NodeId, Span> {
        let mut marks: Vec<usize> = self.found.iter().flat_map(|p| [p.start, p.end]).collect();
        marks.sort_unstable();
        marks.dedup();
        let mut bytes = HashMap::with_capacity(marks.len());
        let mut marks = marks.into_iter().peekable();
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        for (index, at) in ends.enumerate() {
            if marks.next_if_eq(&index).is_some() {
                bytes.insert(index, at);
            }
        }
        let byte = |index| bytes.get(&index).copied().unwrap_or(text.len());
        let spans = self.found.iter().map(|place| Span {
            start: byte(place.start),
            end: byte(place.end),
            line: place.line,
            column: place.column,
        });
        self.wanted.iter().copied().zip(spans).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tree::{Entry, Node, Value, parse},
        *,
    };

    /// Every scalar of a file, with the text at the place where it was found.
    fn scalars(text: &str) -> Vec<(String, String)> {
        fn walk(node: &Node, out: &mut Vec<(NodeId, String)>) {
            match &node.value {
                Value::Scalar(_, text) => out.push((node.id, text.to_string())),
                Value::List(nodes) => nodes.iter().for_each(|node| walk(node, out)),
                Value::Map(entries) => {
                    for Entry { key, key_id, node } in entries {
                        out.push((*key_id, key.to_string()));
                        walk(node, out);
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(&parse(text).unwrap().0, &mut found);
        let spans = locate(text, found.iter().map(|(id, _)| *id));
        found
            .into_iter()
            .map(|(id, read)| (read, text[spans[&id].start..spans[&id].end].to_owned()))
            .collect()
    }

    #[test]
    fn every_node_is_found_where_it_stands() {
        let text =
            "# ä comment\nkäy: välue\nlist:\n  - +12\n  - [a, 'b b']\nmap: {x: 1, y: }\nlast: z\n";
        for (read, found) in scalars(text) {
            assert_eq!(read, found.trim_matches('\''));
        }
    }

    #[test]
    fn behind_an_alias_the_count_is_right_again() {
        let text = "a: &a {x: [1, 2]}\nb: *a\nc: *a\nd: end\n";
        let found = scalars(text);
        assert_eq!(found.last(), Some(&("end".to_owned(), "end".to_owned())));
        assert!(found.contains(&("2".to_owned(), "*a".to_owned())));
    }

    #[test]
    fn line_and_column_are_those_that_an_editor_shows() {
        let spans = locate("a: 1\nöö: {b: x}\n", [NodeId(5)]);
        let span = spans[&NodeId(5)];
        assert_eq!((span.line, span.column), (2, 6));
    }
}
