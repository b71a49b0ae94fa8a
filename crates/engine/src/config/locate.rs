//! Locates nodes in the file (line and column), and decides which parts of the file may be shown.
//!
//! Both are needed only when there is a problem to report. The file is then read a second time, by
//! the same reader, which numbers the nodes in the same way.

use std::{collections::HashSet, ops::Range};

use super::{
    read::{NodePlace, places},
    redact::{is_name, leads_into, may_be_shown},
    tree::NodeId,
};

/// A span of a file: a range of bytes, with the line and column at which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// The lines of a text for people. They end at line feeds, as in editors.
pub(super) struct Lines<'text> {
    text: &'text str,
    /// The first byte of each line.
    starts: Vec<usize>,
    /// The number of characters before each block of bytes, so that counting the characters before
    /// a byte costs the same anywhere, even in a file of one line.
    before_block: Vec<usize>,
}

/// The size of a block whose characters are counted once, in bytes.
const BLOCK: usize = 1024;

impl<'text> Lines<'text> {
    pub(super) fn of(text: &'text str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        let blocks = text.as_bytes().chunks(BLOCK).scan(0, |before, block| {
            Some(std::mem::replace(before, *before + characters(block)))
        });
        Self {
            text,
            starts: starts.collect(),
            before_block: blocks.collect(),
        }
    }

    /// Returns the number of characters that begin before a byte of the text.
    fn characters_before(&self, at: usize) -> usize {
        let block = at.min(self.text.len().saturating_sub(1)) / BLOCK;
        let before = self.before_block.get(block).copied().unwrap_or(0);
        let rest = self.text.as_bytes().get(block * BLOCK..at);
        before + rest.map_or(0, characters)
    }

    /// Returns the line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Returns the span of a range of bytes, or `None` unless it begins and ends between
    /// characters.
    pub(super) fn span(&self, place: Range<usize>) -> Option<Span> {
        self.text.get(place.clone())?;
        let line = self.line(place.start);
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let column = self.characters_before(place.start) - self.characters_before(start) + 1;
        Some(Span {
            start: place.start,
            end: place.end,
            line,
            column,
        })
    }
}

/// Returns the number of characters that begin in a piece of a text.
fn characters(bytes: &[u8]) -> usize {
    let continues = |byte: &u8| *byte & 0b1100_0000 == 0b1000_0000;
    bytes.iter().filter(|byte| !continues(byte)).count()
}

/// A text whose nodes' places are known.
pub(super) struct Located<'text> {
    lines: Lines<'text>,
    places: Vec<NodePlace>,
}

impl<'text> Located<'text> {
    /// Reads a text again.
    pub(super) fn of(text: &'text str) -> Self {
        Self {
            lines: Lines::of(text),
            // A text that was read before can be read again. If that failed, no node would have a
            // place, and nothing would be shown.
            places: places(text).unwrap_or_default(),
        }
    }

    fn place(&self, id: NodeId) -> Option<&NodePlace> {
        self.places.get(usize::try_from(id.0).ok()?)
    }

    /// Returns the place of a node. The place of a node that an alias repeats is the alias.
    pub(super) fn span(&self, id: NodeId) -> Option<Span> {
        self.lines.span(self.place(id)?.here.clone())
    }

    /// Returns the text as people may see it, with the same length: asterisks replace everything
    /// but the scalars that are known not to be secret and the punctuation of YAML. If a secret has
    /// no place, everything is replaced.
    pub(super) fn visible(&self, secrets: &[NodeId]) -> String {
        let secrets: Option<HashSet<usize>> = secrets
            .iter()
            .map(|id| Some(self.place(*id)?.itself.start))
            .collect();
        let text = self.lines.text;
        let Some(secrets) = secrets else {
            return masked(text);
        };
        let open = self.places.iter().filter_map(|place| {
            if place.here != place.itself {
                // The name of an alias.
                return Some(place.here.clone());
            }
            let stands = text.get(place.itself.clone())?;
            // A scalar that contains more than a value or a name, for example because a quote was
            // not closed or a blank was forgotten, may contain a secret; so may an address.
            let is_one = match place.is_key {
                true => is_name(stands.trim_matches(['"', '\''])) && !leads_into(stands),
                false => may_be_shown(stands),
            };
            let is_open = place.is_scalar && is_one && !secrets.contains(&place.itself.start);
            is_open.then(|| place.itself.clone())
        });
        uncovered(text, open)
    }
}

/// Returns a text with everything masked, because nothing in it is known not to be secret.
pub(super) fn masked(text: &str) -> String {
    uncovered(text, std::iter::empty())
}

/// Returns a text that could not be read with everything masked except words that are known to be
/// names, where they are used as names.
pub(super) fn masked_but_for(text: &str, names: &HashSet<&str>) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut open = Vec::new();
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        let rest = &line[indent..];
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(length);
        if behind.starts_with(':') && names.contains(word) {
            open.push(from + indent..from + indent + length);
        }
        from += line.len();
    }
    uncovered(text, open)
}

/// Masks everything except some pieces, white space and the punctuation of YAML.
fn uncovered(text: &str, open: impl IntoIterator<Item = Range<usize>>) -> String {
    let cover = |byte: u8| match byte {
        b' ' | b'\t' | b'\n' | b'\r' => byte,
        b':' | b'-' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'"' | b'\'' => byte,
        _ => b'*',
    };
    let mut shown: Vec<u8> = text.bytes().map(cover).collect();
    for place in open {
        // A piece that cuts a character stays masked.
        if let (Some(piece), Some(into)) = (text.get(place.clone()), shown.get_mut(place)) {
            into.copy_from_slice(piece.as_bytes());
        }
    }
    String::from_utf8(shown).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_characters_wherever_a_line_begins() {
        // Lines shorter and longer than a block, with characters of one to four bytes that cross
        // the end of a block.
        let lines = ["a", "", "äb", &"€".repeat(700), &"x🔔".repeat(1000), "z"];
        let text = lines.join("\n");
        let known = Lines::of(&text);
        let mut expected = Vec::new();
        for (line, content) in lines.iter().enumerate() {
            expected.extend((0..=content.chars().count()).map(|before| (line + 1, before + 1)));
        }
        let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let found: Vec<(usize, usize)> = places
            .map(|at| {
                known
                    .span(at..text.len())
                    .map(|span| (span.line, span.column))
            })
            .map(Option::unwrap_or_default)
            .collect();
        assert_eq!(found, expected);
        let nothing = Lines::of("").span(0..0);
        assert_eq!(nothing.map(|span| (span.line, span.column)), Some((1, 1)));
    }
}
