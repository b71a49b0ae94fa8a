//! Makes a tree of a text, in one pass over its events.
//!
//! Numbers the nodes in the order of the text, a mapping's keys among them, with
//! the nodes of an alias as if they stood there. What grows is bounded as it
//! grows: nesting, and what aliases repeat.

use std::{collections::HashMap, ops::Range};

use super::{
    events::{Event, Events, SyntaxError},
    keys::{merge, remove_duplicates},
    kind::{kind_of, own_name, tagged},
    tree::{Entry, Node, NodeId, Scalar, Tree, Value},
};

/// How deep lists and mappings may be nested, as in serde_yaml. Nothing in a
/// configuration is nested a tenth as deep.
const MAX_DEPTH: usize = 128;

/// How many nodes aliases may repeat in any text; a large one may have them
/// repeat [`MAX_REPEATED_PER_NODE`] for each node that it has itself.
const MAX_REPEATED: usize = 100_000;

/// See [`MAX_REPEATED`]. Defaults of twenty settings, taken over by each of many
/// hosts that add none of their own, stay below it.
const MAX_REPEATED_PER_NODE: usize = 16;

/// So many characters of a copied scalar count as one more node: about what a node
/// itself takes of memory.
const BYTES_PER_NODE: usize = 64;

/// Reads a text. Of keys that stand twice the first one counts.
///
/// # Errors
/// When the text is no YAML, is nested deeper than [`MAX_DEPTH`], repeats too
/// much by aliases, has a second document, or holds a tag of its own.
pub(crate) fn parse(text: &str) -> Result<Tree, SyntaxError> {
    let mut reading = Reading::default();
    Ok(Tree {
        root: reading.run(text)?,
        duplicates: reading.duplicates,
        left_out: reading.left_out,
    })
}

/// The bytes of every node of a text that was read before, by the nodes'
/// numbers.
pub(super) fn places(text: &str) -> Result<Vec<NodePlace>, SyntaxError> {
    let mut reading = Reading {
        places: Some(Vec::new()),
        ..Reading::default()
    };
    reading.run(text)?;
    Ok(reading.places.unwrap_or_default())
}

/// Where a node stands, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NodePlace {
    /// The node, or the alias through which it is here.
    pub(super) here: Range<usize>,
    /// The node itself.
    pub(super) itself: Range<usize>,
    /// Whether it is a scalar, all of whose characters are its own.
    pub(super) is_scalar: bool,
    /// Whether it is a key of a mapping.
    pub(super) is_key: bool,
}

/// A list or a mapping whose end has not come yet.
enum OpenValue {
    List(Vec<Node>),
    /// With the key whose value has not come yet.
    Map(Vec<Entry>, Option<(Box<str>, NodeId)>),
}

struct OpenNode {
    id: NodeId,
    anchor: Option<Box<str>>,
    open: OpenValue,
    /// How many levels of what is in it are below it.
    height: usize,
}

/// A finished node that has a name.
struct Anchored {
    node: Node,
    /// How many numbers it takes, with those of what was merged or left out.
    width: u32,
    height: usize,
    /// What a copy of it costs, in nodes.
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
    /// Kept where somebody asks for them.
    places: Option<Vec<NodePlace>>,
    /// How many events were read.
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
                // Nothing stands here: that is seen at its key.
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

    /// Whether a key was read whose value comes next.
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

    /// Keeps a copy of a finished node that has a name, and puts it in.
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

    /// Puts in what an alias stands for.
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

    /// Counts what is copied, in nodes, before it is.
    fn repeats(&mut self, cost: usize, place: &Range<usize>) -> Result<(), SyntaxError> {
        self.repeated = self.repeated.saturating_add(cost);
        let bound = self.events.saturating_mul(MAX_REPEATED_PER_NODE);
        if self.repeated > bound.max(MAX_REPEATED) {
            let message = "anchors and aliases repeat too much";
            return Err(SyntaxError::new(message, place.start));
        }
        Ok(())
    }

    /// Puts a finished node where it belongs.
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

/// The characters of a node and all below it, in bytes.
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

/// Gives a copy of a node, and all below it, numbers that are `further` on.
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

/// What is said of a tag that YAML itself does not have.
pub(super) const FOREIGN_TAG: &str =
    "a tag (`!…`) means nothing here, or not what stands behind it";

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
