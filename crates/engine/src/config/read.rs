//! Builds the tree of a text, in one pass over its events.
//!
//! Numbers the nodes in the order of the text, including the keys of mappings. The nodes of an
//! alias are numbered as if they were written there. Whatever grows is bounded while it grows:
//! nesting, and the nodes that aliases repeat.

use std::{collections::HashMap, ops::Range};

use super::{
    events::{Event, Events, SyntaxError},
    keys::{merge, remove_duplicates},
    kind::{kind_of, own_name, tagged},
    tree::{Entry, Node, NodeId, Scalar, Tree, Value},
};

/// The maximum nesting of lists and mappings, as in serde_yaml. Configurations do not reach a tenth
/// of it.
const MAX_DEPTH: usize = 128;

/// The maximum number of nodes that aliases may repeat in any text. In a large text, they may
/// repeat [`MAX_REPEATED_PER_NODE`] for each of its own nodes.
const MAX_REPEATED: usize = 100_000;

/// See [`MAX_REPEATED`]. Defaults of twenty settings that many hosts merge, without any setting of
/// their own, stay below it.
const MAX_REPEATED_PER_NODE: usize = 16;

/// The number of characters of a copied scalar that count as one more node: about the memory that a
/// node itself takes.
const BYTES_PER_NODE: usize = 64;

/// Reads a text. Of duplicate keys, the first one counts.
///
/// # Errors
/// When the text is not YAML, is nested deeper than [`MAX_DEPTH`], repeats too much through
/// aliases, has a second document, or has a custom tag.
pub(crate) fn parse(text: &str) -> Result<Tree, SyntaxError> {
    let mut reading = Reading::default();
    Ok(Tree {
        root: reading.run(text)?,
        duplicates: reading.duplicates,
        left_out: reading.left_out,
    })
}

/// Returns the bytes of every node of a text that was read before, by the nodes' numbers.
pub(super) fn places(text: &str) -> Result<Vec<NodePlace>, SyntaxError> {
    let mut reading = Reading {
        places: Some(Vec::new()),
        ..Reading::default()
    };
    reading.run(text)?;
    Ok(reading.places.unwrap_or_default())
}

/// The place of a node, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NodePlace {
    /// The node, or the alias through which it is repeated here.
    pub(super) here: Range<usize>,
    /// The node itself.
    pub(super) itself: Range<usize>,
    /// Whether the node is a scalar. All bytes of a scalar are its own.
    pub(super) is_scalar: bool,
    /// Whether the node is a key of a mapping.
    pub(super) is_key: bool,
}

/// A list or a mapping whose end was not read yet.
enum OpenValue {
    List(Vec<Node>),
    /// A mapping, with the key whose value was not read yet.
    Map(Vec<Entry>, Option<(Box<str>, NodeId)>),
}

struct OpenNode {
    id: NodeId,
    anchor: Option<Box<str>>,
    open: OpenValue,
    /// The number of levels that are nested in it.
    height: usize,
}

/// A complete node that has an anchor.
struct Anchored {
    node: Node,
    /// The number of node numbers that it takes, including those of merged and left-out nodes.
    width: u32,
    height: usize,
    /// The cost of a copy, in nodes.
    cost: usize,
}

#[derive(Default)]
struct Reading {
    open_nodes: Vec<OpenNode>,
    next: u32,
    root: Option<Node>,
    duplicates: Vec<(NodeId, Box<str>)>,
    left_out: Vec<NodeId>,
    anchors: HashMap<Box<str>, Anchored>,
    /// What was copied for anchors and aliases, in nodes.
    repeated: usize,
    /// The places of the nodes, if the caller needs them.
    places: Option<Vec<NodePlace>>,
    /// The number of events that were read.
    events: usize,
}

impl Reading {
    fn run(&mut self, text: &str) -> Result<Node, SyntaxError> {
        if u32::try_from(text.len()).is_err() {
            return Err(SyntaxError::new("it is too large", 0));
        }
        let mut events = Events::new(text)?;
        let (mut documents, mut end) = (0, 0);
        loop {
            let (event, mut place) = events.next()?;
            self.events += 1;
            if matches!(event, Event::Scalar { .. }) && place.is_empty() && self.awaits_value() {
                // The value is empty; its place is seen at its key.
                place = end..end;
            }
            end = place.end;
            match event {
                Event::StreamEnd => break,
                Event::DocumentEnd => {}
                Event::DocumentStart => {
                    documents += 1;
                    if documents > 1 {
                        let message = "there is more than one document";
                        return Err(SyntaxError::new(message, place.start));
                    }
                }
                Event::Scalar {
                    anchor,
                    tag,
                    text,
                    is_plain,
                } => {
                    let untyped = match is_plain {
                        true => kind_of(&text),
                        false => Scalar::Text,
                    };
                    let kind = tagged(tag.as_deref(), untyped);
                    let kind = kind.ok_or_else(|| foreign_tag(&place))?;
                    let text = match kind {
                        Scalar::Null => "".into(),
                        _ => text,
                    };
                    let id = self.number(&place, true);
                    let value = Value::Scalar(kind, text);
                    self.finish(anchor, Node { id, value }, 0, &place)?;
                }
                Event::ListStart { anchor, tag } => {
                    is_of_tag(tag.as_deref(), "seq", &place)?;
                    self.open(OpenValue::List(Vec::new()), anchor, &place)?;
                }
                Event::MapStart { anchor, tag } => {
                    is_of_tag(tag.as_deref(), "map", &place)?;
                    self.open(OpenValue::Map(Vec::new(), None), anchor, &place)?;
                }
                Event::ListEnd | Event::MapEnd => self.close(&place)?,
                Event::Alias(name) => self.alias(&name, &place)?,
            }
        }
        let root = self.root.take();
        root.ok_or_else(|| SyntaxError::empty(text.len()))
    }

    /// Returns whether a key was read whose value comes next.
    fn awaits_value(&self) -> bool {
        let level = self.open_nodes.last().map(|level| &level.open);
        matches!(level, Some(OpenValue::Map(_, Some(_))))
    }

    fn number(&mut self, place: &Range<usize>, is_scalar: bool) -> NodeId {
        let id = NodeId(self.next);
        self.next = self.next.saturating_add(1);
        let level = self.open_nodes.last().map(|level| &level.open);
        let is_key = matches!(level, Some(OpenValue::Map(_, None)));
        if let Some(places) = &mut self.places {
            places.push(NodePlace {
                here: place.clone(),
                itself: place.clone(),
                is_scalar,
                is_key,
            });
        }
        id
    }

    fn open(
        &mut self,
        open: OpenValue,
        anchor: Option<Box<str>>,
        place: &Range<usize>,
    ) -> Result<(), SyntaxError> {
        if self.open_nodes.len() >= MAX_DEPTH {
            return Err(too_deep(place));
        }
        let id = self.number(place, false);
        self.open_nodes.push(OpenNode {
            id,
            anchor,
            open,
            height: 1,
        });
        Ok(())
    }

    fn close(&mut self, place: &Range<usize>) -> Result<(), SyntaxError> {
        let Some(level) = self.open_nodes.pop() else {
            return Ok(());
        };
        let value = match level.open {
            OpenValue::List(mut nodes) => {
                nodes.shrink_to_fit();
                Value::List(nodes)
            }
            OpenValue::Map(mut entries, _) => {
                let left_out = &mut self.left_out;
                remove_duplicates(&mut entries, &mut self.duplicates, left_out);
                merge(&mut entries, left_out);
                entries.shrink_to_fit();
                Value::Map(entries)
            }
        };
        let node = Node {
            id: level.id,
            value,
        };
        self.finish(level.anchor, node, level.height, place)
    }

    /// Keeps a copy of a complete node if it has an anchor, and inserts the node.
    fn finish(
        &mut self,
        anchor: Option<Box<str>>,
        node: Node,
        height: usize,
        place: &Range<usize>,
    ) -> Result<(), SyntaxError> {
        if let Some(name) = anchor {
            let width = self.next.saturating_sub(node.id.0);
            let nodes = usize::try_from(width).unwrap_or(usize::MAX);
            let cost = nodes.saturating_add(bytes_of(&node) / BYTES_PER_NODE);
            self.repeats(cost, place)?;
            let anchored = Anchored {
                node: node.clone(),
                width,
                height,
                cost,
            };
            self.anchors.insert(name, anchored);
        }
        self.put(node, height, place)
    }

    /// Inserts a copy of the node to which an alias refers.
    fn alias(&mut self, name: &str, place: &Range<usize>) -> Result<(), SyntaxError> {
        let is_within = |level: &OpenNode| level.anchor.as_deref() == Some(name);
        if self.open_nodes.iter().any(is_within) {
            let message = "this alias stands for something that contains the alias itself";
            return Err(SyntaxError::new(message, place.start));
        }
        let Some(&Anchored {
            width,
            height,
            cost,
            ..
        }) = self.anchors.get(name)
        else {
            let message = "no anchor before this alias has its name";
            return Err(SyntaxError::new(message, place.start));
        };
        if self.open_nodes.len() + height > MAX_DEPTH {
            return Err(too_deep(place));
        }
        self.repeats(cost, place)?;
        let Some(mut node) = self.anchors.get(name).map(|found| found.node.clone()) else {
            return Ok(());
        };
        if let Some(places) = &mut self.places {
            let from = usize::try_from(node.id.0).unwrap_or(usize::MAX);
            for at in (from..).take(usize::try_from(width).unwrap_or_default()) {
                let original = places.get(at).cloned().unwrap_or_default();
                places.push(NodePlace {
                    here: place.clone(),
                    ..original
                });
            }
        }
        let further = self.next.saturating_sub(node.id.0);
        renumber(&mut node, further);
        self.next = self.next.saturating_add(width);
        self.put(node, height, place)
    }

    /// Counts what is about to be copied, in nodes.
    fn repeats(&mut self, cost: usize, place: &Range<usize>) -> Result<(), SyntaxError> {
        self.repeated = self.repeated.saturating_add(cost);
        let bound = self.events.saturating_mul(MAX_REPEATED_PER_NODE);
        if self.repeated > bound.max(MAX_REPEATED) {
            let message = "anchors and aliases repeat too much";
            return Err(SyntaxError::new(message, place.start));
        }
        Ok(())
    }

    /// Inserts a complete node into the value that contains it.
    fn put(&mut self, node: Node, height: usize, place: &Range<usize>) -> Result<(), SyntaxError> {
        let Some(level) = self.open_nodes.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        level.height = level.height.max(height + 1);
        match &mut level.open {
            OpenValue::List(nodes) => nodes.push(node),
            OpenValue::Map(entries, key) => match key.take() {
                Some((key, key_id)) => entries.push(Entry { key, key_id, node }),
                None => match node.value {
                    Value::Scalar(_, text) => *key = Some((text, node.id)),
                    Value::List(_) | Value::Map(_) => {
                        let message = "a key must be a plain word";
                        return Err(SyntaxError::new(message, place.start));
                    }
                },
            },
        }
        Ok(())
    }
}

/// Returns the number of bytes of the characters of a node and all nodes below it.
fn bytes_of(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_, text) => text.len(),
        Value::List(nodes) => nodes.iter().map(bytes_of).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| entry.key.len() + bytes_of(&entry.node))
            .sum(),
    }
}

/// Adds `further` to the numbers of a copied node and all nodes below it.
fn renumber(node: &mut Node, further: u32) {
    let moved = |id: &mut NodeId| id.0 = id.0.saturating_add(further);
    moved(&mut node.id);
    match &mut node.value {
        Value::Scalar(..) => {}
        Value::List(nodes) => nodes.iter_mut().for_each(|node| renumber(node, further)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| {
            moved(&mut entry.key_id);
            renumber(&mut entry.node, further);
        }),
    }
}

fn too_deep(place: &Range<usize>) -> SyntaxError {
    SyntaxError::new("lists and mappings are nested too deeply", place.start)
}

/// The message for a tag that is not one of YAML's own.
pub(super) const FOREIGN_TAG: &str =
    "a tag (`!…`) has no meaning here, or does not fit the value after it";

fn foreign_tag(place: &Range<usize>) -> SyntaxError {
    SyntaxError::new(FOREIGN_TAG, place.start)
}

fn is_of_tag(tag: Option<&str>, own: &str, place: &Range<usize>) -> Result<(), SyntaxError> {
    match tag.map(own_name) {
        Some(tag) if tag != own => Err(foreign_tag(place)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
