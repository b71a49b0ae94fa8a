//! Named sources, and how a request to one becomes events.

use std::{collections::BTreeMap, time::Duration};

use annunciator::Kind;
use minijinja::{Value, context};

use crate::{
    error::{IngestError, Reason},
    event::Event,
    expression::from_json,
    formats::{By, Format, Item},
    limits::{
        MAX_ATTRIBUTES, MAX_BODY_SIZE, MAX_ITEMS, MAX_KEY_LENGTH, MAX_LINE_LENGTH, MAX_TEXT_LENGTH,
        cut,
    },
    mapping::{Field, Mapping},
    payload,
    request::Request,
    word,
};

/// A named source of the configuration: who sends, in which format, and how its payloads
/// become events.
///
/// Its expressions are compiled. [`Sources`](crate::Sources) has those of a file.
#[derive(Debug)]
pub struct Source {
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) mapping: Mapping,
    pub(crate) channels: Vec<String>,
    pub(crate) remind_every: Option<Duration>,
}

/// What was read of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The events, in the order in which they were sent.
    pub events: Vec<Event>,
    /// What is wrong with single items and fields. An item whose field could not be read is
    /// nevertheless an event, without that field.
    pub errors: Vec<IngestError>,
    /// The number of items that the file's `when` does not count.
    pub skipped: usize,
    /// The number of items beyond [`MAX_ITEMS`], which were not
    /// read. `errors` says so, too.
    pub left_out: usize,
}

impl Source {
    /// Returns the source's name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Reads a request.
    ///
    /// Never panics, whatever the request is. Its work is bounded by the constants of
    /// [`limits`](crate::limits), and by the steps that an expression may take.
    ///
    /// # Errors
    /// What makes the whole request unusable; nobody is notified of anything then. Among
    /// these is [`Reason::Nothing`] for a request without items. If every item has an error
    /// and none became an event, this is the first of these errors.
    pub fn read(&self, request: &Request<'_>) -> Result<Reading, IngestError> {
        payload::check_size(request.body)?;
        let by = By {
            now_ms: request.now_ms,
            remind_every: self.remind_every,
        };
        let payload = self.format.read(request, &by)?;
        let mut reading = Reading {
            errors: payload.errors,
            left_out: payload.left_out,
            ..Reading::default()
        };
        let scope = Scope::new(self, request, &payload.json);
        let items = match &self.mapping.each {
            Some(_) => self.each(&scope, &mut reading)?,
            None => payload.items,
        };
        let count = items.len();
        for item in items {
            self.read_item(item, &scope, &mut reading);
        }
        for mut event in payload.extra {
            event.channels.clone_from(&self.channels);
            reading
                .events
                .extend(self.finished(event, 0, &mut reading.errors));
        }
        if reading.left_out > 0 {
            let sentence = format!(
                "{} items follow, and {MAX_ITEMS} are read at most: send less at once",
                reading.left_out
            );
            let error = IngestError::sender(Reason::TooMany, sentence);
            reading.errors.push(error.item(MAX_ITEMS));
        }
        if reading.events.is_empty() && reading.skipped == 0 {
            let nothing = || IngestError::sender(Reason::Nothing, "there is no item");
            return Err(match reading.errors.into_iter().next() {
                Some(error) => error,
                None if count == 0 && self.mapping.each.is_some() => {
                    let sentence = "gives no item";
                    IngestError::mapping(Reason::Nothing, sentence).field("each")
                }
                None => nothing(),
            });
        }
        Ok(reading)
    }

    /// Reads the items of the expression `each`.
    fn each(&self, scope: &Scope, reading: &mut Reading) -> Result<Vec<Item>, IngestError> {
        let Some(each) = &self.mapping.each else {
            return Ok(Vec::new());
        };
        let value = each.json(&scope.without_item(), MAX_BODY_SIZE);
        match value.map_err(|error| error.field("each"))? {
            serde_json::Value::Null => Ok(Vec::new()),
            serde_json::Value::Array(list) => {
                reading.left_out = list.len().saturating_sub(MAX_ITEMS);
                let items = list.into_iter().take(MAX_ITEMS).enumerate();
                let items = items.map(|(index, json)| Item {
                    index,
                    json,
                    event: Event::empty(),
                });
                Ok(items.collect())
            }
            _ => {
                let error = IngestError::mapping(Reason::WrongType, "gives no list");
                Err(error.field("each"))
            }
        }
    }

    fn read_item(&self, item: Item, scope: &Scope, reading: &mut Reading) {
        let Item {
            index,
            json,
            mut event,
        } = item;
        let mut errors = Vec::new();
        if !self.mapping.is_empty() {
            let values = scope.with_item(&json);
            if !self.mapping.counts(&values, &mut errors) {
                reading.skipped += 1;
                return;
            }
            self.mapping.apply(&values, &mut event, &mut errors);
        }
        if self.format == Format::Apprise && event.incident.is_some() {
            self.apprise_kind(&json, &mut event);
        }
        event.channels.clone_from(&self.channels);
        let errors = errors.into_iter().map(|error| error.item(index));
        reading.errors.extend(errors);
        let finished = self.finished(event, index, &mut reading.errors);
        reading.events.extend(finished);
    }

    /// Sets the kind of an Apprise message that belongs to an incident, unless the file
    /// does. A success without an incident ends nothing.
    fn apprise_kind(&self, json: &serde_json::Value, event: &mut Event) {
        let mut fields = self.mapping.fields.iter();
        if fields.any(|(field, _)| *field == Field::Kind) {
            return;
        }
        let said = json.get("type").and_then(word::text);
        event.kind = match said.as_deref() {
            Some("success") => Kind::Recovery,
            Some("failure" | "warning") => Kind::Problem,
            _ => Kind::Message,
        };
    }

    /// Checks an event against the limits, and gives its incident and keys to this source.
    /// Returns nothing if it has no content.
    fn finished(
        &self,
        mut event: Event,
        index: usize,
        errors: &mut Vec<IngestError>,
    ) -> Option<Event> {
        let mut cut_field = |text: &mut String, limit: usize, field: &str| {
            let length = text.len();
            if cut(text, limit) {
                let sentence = format!("has {length} bytes, and was cut to {limit}");
                let error = IngestError::sender(Reason::TooLong, sentence);
                errors.push(error.field(field).item(index));
            }
        };
        if let Some(title) = &mut event.title {
            *title = one_line(title);
            cut_field(title, MAX_LINE_LENGTH, "title");
        }
        if let Some(host) = &mut event.host {
            *host = one_line(host);
            cut_field(host, MAX_LINE_LENGTH, "host");
        }
        if let Some(incident) = &mut event.incident {
            *incident = one_line(incident);
        }
        cut_field(&mut event.text, MAX_TEXT_LENGTH, "text");
        for (name, value) in &mut event.attributes {
            cut_field(value, MAX_LINE_LENGTH, "attributes");
            cut_field(name, MAX_LINE_LENGTH, "attributes");
        }
        event.title.take_if(|title| title.is_empty());
        event.host.take_if(|host| host.is_empty());
        event.incident.take_if(|incident| incident.is_empty());
        let is_long = |url: &mut String| url.len() > MAX_LINE_LENGTH;
        if event.url.take_if(is_long).is_some() {
            let sentence = format!("has more than {MAX_LINE_LENGTH} bytes, and was left out");
            let error = IngestError::sender(Reason::TooLong, sentence);
            errors.push(error.field("url").item(index));
        }
        let most = MAX_ATTRIBUTES - usize::from(event.url.is_some());
        if event.attributes.len() > most {
            let sentence =
                format!("there are more than {MAX_ATTRIBUTES}, and the rest was left out");
            let error = IngestError::sender(Reason::TooMany, sentence);
            errors.push(error.field("attributes").item(index));
            event.attributes.truncate(most);
        }
        if event.text.trim().is_empty() {
            // A title says enough.
            event.text = event.title.clone().unwrap_or_default();
        }
        if event.text.trim().is_empty() {
            let error = IngestError::sender(Reason::Nothing, "has neither a title nor a text");
            errors.push(error.item(index));
            return None;
        }
        if event.kind == Kind::Recovery {
            event.ends_at_ms = None;
        }
        let owned = |text: String, limit: usize| self.owned(&text, limit);
        event.incident = event.incident.map(|text| owned(text, MAX_LINE_LENGTH));
        event.key = event.key.map(|text| owned(text, MAX_KEY_LENGTH));
        event.end_key = event.end_key.map(|text| owned(text, MAX_KEY_LENGTH));
        Some(event)
    }

    /// Returns a name within this source. One that is too long is replaced by its digest, so
    /// that different ones stay different.
    fn owned(&self, text: &str, limit: usize) -> String {
        let owned = format!("{}/{text}", self.name);
        match owned.len() <= limit {
            true => owned,
            false => format!("{}/{}", self.name, word::digest(text)),
        }
    }
}

/// Returns a text as one line.
fn one_line(text: &str) -> String {
    let is_end = |one: char| matches!(one, '\n' | '\r' | '\u{2028}' | '\u{2029}');
    match text.contains(is_end) {
        true => text
            .split(is_end)
            .collect::<Vec<_>>()
            .join(" ")
            .trim()
            .to_owned(),
        false => text.trim().to_owned(),
    }
}

/// The values that expressions of one request see.
struct Scope {
    payload: Value,
    headers: Value,
    query: Value,
    source: String,
    path: String,
}

impl Scope {
    /// Prepares the values, unless no expression needs them.
    fn new(source: &Source, request: &Request<'_>, json: &serde_json::Value) -> Self {
        let mapping = &source.mapping;
        let is_unused = mapping.is_empty() && mapping.each.is_none();
        let headers: BTreeMap<String, String> = match is_unused {
            true => BTreeMap::new(),
            false => request.open_headers().collect(),
        };
        let query: BTreeMap<String, String> = match is_unused {
            true => BTreeMap::new(),
            false => request.open_parameters().collect(),
        };
        Self {
            payload: match is_unused {
                true => Value::UNDEFINED,
                false => from_json(json),
            },
            headers: Value::from(headers),
            query: Value::from(query),
            source: source.name.clone(),
            path: request.path.to_owned(),
        }
    }

    fn without_item(&self) -> Value {
        self.with(self.payload.clone())
    }

    fn with_item(&self, json: &serde_json::Value) -> Value {
        self.with(from_json(json))
    }

    fn with(&self, item: Value) -> Value {
        context! {
            payload => self.payload.clone(),
            item => item,
            headers => self.headers.clone(),
            query => self.query.clone(),
            source => self.source.clone(),
            path => self.path.clone(),
        }
    }
}
