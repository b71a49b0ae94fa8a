//! The events of a YAML text, each with its bytes.
//!
//! The parser is the one on which serde_yaml is built, called event by event, so that the content
//! and its place result from one pass with one grammar. It reads no further than its caller
//! requires: a caller that stops at a depth or a number of nodes does not pay for the rest of the
//! text.

mod directives;

use std::{borrow::Cow, ffi::CStr, marker::PhantomData, mem::MaybeUninit, ops::Range, slice};

use unsafe_libyaml::{
    YAML_ALIAS_EVENT, YAML_DOCUMENT_END_EVENT, YAML_DOCUMENT_START_EVENT, YAML_MAPPING_END_EVENT,
    YAML_MAPPING_START_EVENT, YAML_PLAIN_SCALAR_STYLE, YAML_SCALAR_EVENT, YAML_SEQUENCE_END_EVENT,
    YAML_SEQUENCE_START_EVENT, YAML_STREAM_END_EVENT, YAML_UTF8_ENCODING, yaml_event_delete,
    yaml_event_t, yaml_parser_delete, yaml_parser_initialize, yaml_parser_parse,
    yaml_parser_set_encoding, yaml_parser_set_input_string, yaml_parser_t,
};

use self::directives::one_too_many;

/// An event of the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    DocumentStart,
    DocumentEnd,
    /// The end of the text. No event follows.
    StreamEnd,
    /// `*name`.
    Alias(Box<str>),
    Scalar {
        anchor: Option<Box<str>>,
        tag: Option<Box<str>>,
        /// The characters, with quotes, escapes and line folding resolved.
        text: Box<str>,
        /// Whether the scalar is written without quotes and not as a block.
        is_plain: bool,
    },
    ListStart {
        anchor: Option<Box<str>>,
        tag: Option<Box<str>>,
    },
    ListEnd,
    MapStart {
        anchor: Option<Box<str>>,
        tag: Option<Box<str>>,
    },
    MapEnd,
}

/// The error when a text cannot be read as YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// One sentence, which repeats nothing of the text.
    pub(super) message: Cow<'static, str>,
    /// The offset of the first wrong byte; at most the length of the text.
    pub(super) at: usize,
    /// What was being read, and the offset at which it began, if the parser knows that.
    pub(super) within: Option<(Cow<'static, str>, usize)>,
    /// Whether there is no content, only white space and comments.
    pub(super) is_empty: bool,
}

impl SyntaxError {
    pub(super) fn new(message: &'static str, at: usize) -> Self {
        Self {
            message: message.into(),
            at,
            within: None,
            is_empty: false,
        }
    }

    /// Returns the error of a text without any content.
    pub(super) fn empty(length: usize) -> Self {
        Self {
            is_empty: true,
            ..Self::new("there is nothing in it", length)
        }
    }
}

/// Reads a text event by event.
pub(super) struct Events<'text> {
    /// The parser points to itself, so it is on the heap and never moved.
    parser: *mut yaml_parser_t,
    length: usize,
    is_over: bool,
    text: PhantomData<&'text str>,
}

impl<'text> Events<'text> {
    /// Creates a reader.
    ///
    /// # Errors
    /// When the text has too many directives.
    pub(super) fn new(text: &'text str) -> Result<Self, SyntaxError> {
        if let Some(at) = one_too_many(text) {
            return Err(SyntaxError::new("there are too many directives", at));
        }
        let parser = Box::into_raw(Box::new(MaybeUninit::<yaml_parser_t>::uninit()));
        let parser = parser.cast::<yaml_parser_t>();
        // SAFETY: `parser` points to memory of a parser's size and alignment that nothing else
        // refers to. The first call initializes it, as the others require. The input outlives the
        // parser by the lifetime of `Events`.
        let is_ready = unsafe {
            let initialized = yaml_parser_initialize(parser);
            if initialized.ok {
                yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
                yaml_parser_set_input_string(parser, text.as_ptr(), text.len() as u64);
            }
            initialized.ok
        };
        if !is_ready {
            // SAFETY: the pointer came out of a box, and nothing was initialized.
            drop(unsafe { Box::from_raw(parser.cast::<MaybeUninit<yaml_parser_t>>()) });
            return Err(SyntaxError::new("there is not enough memory", 0));
        }
        Ok(Self {
            parser,
            length: text.len(),
            is_over: false,
            text: PhantomData,
        })
    }

    /// Returns the next event and its bytes. After an error or the end of the stream, returns the
    /// end of the stream.
    pub(super) fn next(&mut self) -> Result<(Event, Range<usize>), SyntaxError> {
        loop {
            if self.is_over {
                return Ok((Event::StreamEnd, self.length..self.length));
            }
            let mut event = MaybeUninit::<yaml_event_t>::uninit();
            // SAFETY: the parser is initialized, and has reported no error yet. On success it has
            // initialized the event.
            let parsed = unsafe { yaml_parser_parse(self.parser, event.as_mut_ptr()) };
            if parsed.fail {
                self.is_over = true;
                return Err(self.error());
            }
            // SAFETY: the event is initialized, as said above. It is deleted once, after which only
            // copies of its content are used.
            let converted = unsafe {
                let converted = convert(&*event.as_ptr());
                yaml_event_delete(event.as_mut_ptr());
                converted
            };
            let (event, start, end) = converted;
            let (start, end) = (self.byte(start), self.byte(end));
            let event = match event {
                Some(Ok(Event::StreamEnd)) => {
                    self.is_over = true;
                    Event::StreamEnd
                }
                Some(Ok(event)) => event,
                Some(Err(message)) => {
                    self.is_over = true;
                    return Err(SyntaxError::new(message, start));
                }
                None => continue,
            };
            return Ok((event, start..end.max(start)));
        }
    }

    fn byte(&self, index: u64) -> usize {
        usize::try_from(index).map_or(self.length, |index| index.min(self.length))
    }

    /// Returns the error that the parser has reported.
    fn error(&self) -> SyntaxError {
        // SAFETY: the parser is initialized; its texts are constants of the library, terminated by
        // a zero byte, or null.
        let (problem, context, by_reader, problem_at, context_at) = unsafe {
            let parser = &*self.parser;
            (
                constant(parser.problem),
                constant(parser.context),
                parser.problem_offset,
                parser.problem_mark.index,
                parser.context_mark.index,
            )
        };
        // Bytes that are not text at all are detected before there are marks.
        let at = if problem_at == 0 && context.is_none() {
            by_reader
        } else {
            problem_at
        };
        SyntaxError {
            message: problem.unwrap_or(Cow::Borrowed("it cannot be read")),
            at: self.byte(at),
            within: context.map(|context| (context, self.byte(context_at))),
            is_empty: false,
        }
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        // SAFETY: the parser was initialized on creation, and is deleted and freed once, here.
        unsafe {
            yaml_parser_delete(self.parser);
            drop(Box::from_raw(
                self.parser.cast::<MaybeUninit<yaml_parser_t>>(),
            ));
        }
    }
}

/// Returns a text of the library.
///
/// # Safety
/// The pointer is null or points to a constant that ends with a zero byte.
unsafe fn constant(text: *const impl Sized) -> Option<Cow<'static, str>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: guaranteed by the caller.
    let text = unsafe { CStr::from_ptr(text.cast()) };
    Some(text.to_string_lossy().into_owned().into())
}

/// Returns a text of an event: an anchor or a tag.
///
/// # Safety
/// The pointer is null or points to bytes that end with a zero byte and are valid during the call.
unsafe fn name(text: *const u8) -> Option<Box<str>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: guaranteed by the caller.
    let text = unsafe { CStr::from_ptr(text.cast()) };
    Some(text.to_string_lossy().into())
}

/// Returns an event, the offset of its first byte and that of the first byte after it. The event is
/// `None` if it has no meaning here.
///
/// # Safety
/// The event was filled in by the parser and not deleted.
unsafe fn convert(event: &yaml_event_t) -> (Option<Result<Event, &'static str>>, u64, u64) {
    // SAFETY: the event's type determines which member of the union is filled in; its pointers are
    // valid until the event is deleted.
    let converted = unsafe {
        match event.type_ {
            YAML_DOCUMENT_START_EVENT => Event::DocumentStart,
            YAML_DOCUMENT_END_EVENT => Event::DocumentEnd,
            YAML_STREAM_END_EVENT => Event::StreamEnd,
            YAML_ALIAS_EVENT => Event::Alias(name(event.data.alias.anchor).unwrap_or_default()),
            YAML_SCALAR_EVENT => {
                let scalar = &event.data.scalar;
                let length = usize::try_from(scalar.length).unwrap_or_default();
                let bytes = slice::from_raw_parts(scalar.value, length);
                let Ok(text) = std::str::from_utf8(bytes) else {
                    let marks = (event.start_mark.index, event.end_mark.index);
                    return (Some(Err("a text is not UTF-8")), marks.0, marks.1);
                };
                Event::Scalar {
                    anchor: name(scalar.anchor),
                    tag: name(scalar.tag),
                    text: text.into(),
                    is_plain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                }
            }
            YAML_SEQUENCE_START_EVENT => Event::ListStart {
                anchor: name(event.data.sequence_start.anchor),
                tag: name(event.data.sequence_start.tag),
            },
            YAML_SEQUENCE_END_EVENT => Event::ListEnd,
            YAML_MAPPING_START_EVENT => Event::MapStart {
                anchor: name(event.data.mapping_start.anchor),
                tag: name(event.data.mapping_start.tag),
            },
            YAML_MAPPING_END_EVENT => Event::MapEnd,
            _ => return (None, 0, 0),
        }
    };
    (
        Some(Ok(converted)),
        event.start_mark.index,
        event.end_mark.index,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns every scalar of a text, as read and as typed.
    fn scalars(text: &str) -> Vec<(String, String)> {
        let mut events = Events::new(text).unwrap();
        let mut found = Vec::new();
        loop {
            match events.next().unwrap() {
                (Event::StreamEnd, _) => return found,
                (Event::Scalar { text: read, .. }, place) => {
                    found.push((read.to_string(), text[place].to_owned()));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn every_scalar_stands_where_its_event_says_whatever_ends_lines() {
        for end in ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
            let text = format!(
                "\u{feff}# ä {end}käy: välue # c{end}list:{end}  - +12{end}  - [a, b b]{end}  # ö{end}\
                 map: {{x: 1, z:\ty}}{end}last:\t{end}  z{end}"
            );
            let found = scalars(&text);
            assert_eq!(found.len(), 13, "{found:?}");
            for (read, stands) in found {
                assert_eq!(read, stands, "{end:?}");
            }
        }
    }

    #[test]
    fn quotes_escapes_and_blocks_are_covered_to_their_end() {
        let text = "a: \"x\\ny\"\nb: 'it''s'\nc: |\n  one\n  two\nd: &n !!str v\n";
        let found = scalars(text);
        assert_eq!(found[1], ("x\ny".into(), "\"x\\ny\"".into()));
        assert_eq!(found[3], ("it's".into(), "'it''s'".into()));
        assert_eq!(found[5].0, "one\ntwo\n");
        assert!(found[5].1.ends_with("two\n"), "{found:?}");
        assert_eq!(found[7], ("v".into(), "&n !!str v".into()));
    }

    fn error_of(text: &str) -> SyntaxError {
        let mut events = Events::new(text).unwrap();
        loop {
            match events.next() {
                Ok((event, _)) => assert_ne!(event, Event::StreamEnd, "{text:?}"),
                Err(error) => {
                    assert_eq!(events.next().unwrap().0, Event::StreamEnd);
                    return error;
                }
            }
        }
    }

    #[test]
    fn an_error_says_where_and_repeats_nothing() {
        let error = error_of("a: [b,\nc: 'hunter2\n");
        assert!(!error.message.contains("hunter2"));
        assert_eq!(error.at, 19);
    }

    #[test]
    fn control_characters_are_found_at_their_byte() {
        assert_eq!(error_of("a: b\u{7}\n").at, 4);
        assert_eq!(error_of("ä: b\nc: \u{7f}\n").at, 9);
    }
}
