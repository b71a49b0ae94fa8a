//! Templates, and the values that are inserted into them.
//!
//! A value is escaped by the place into which it is inserted (an address, a header, a form, JSON or
//! markup), so that it cannot become anything else there. Work and output are bounded.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use annunciator_sdk::{Delivery, Notification, rfc3339};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, context, escape_formatter,
    value::{Enumerator, Object, Value},
};

use crate::config::Config;

/// The maximum number of steps of a template, which is enough for a loop over a few hundred
/// attributes.
const MAX_STEPS: u64 = 100_000;
/// The maximum size of a body, in bytes. An engine's longest message fits, which has 1 MiB, even if
/// each character becomes an escape of six.
pub(crate) const MAX_BODY_SIZE: usize = 8 * 1024 * 1024;

/// The place of a text, which decides how values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Address,
    Header,
    Json,
    Form,
    Markup,
    Plain,
}

impl Place {
    /// Returns the place of a body with this content type.
    pub(crate) fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "text/html" | "text/xml" | "application/xml" => Self::Markup,
            one if one == "application/json" || one.ends_with("+json") => Self::Json,
            one if one.ends_with("+xml") => Self::Markup,
            _ => Self::Plain,
        }
    }

    fn escape(self) -> AutoEscape {
        match self {
            Self::Address | Self::Form => AutoEscape::Custom("address".into()),
            Self::Header => AutoEscape::Custom("header".into()),
            Self::Json => AutoEscape::Json,
            Self::Markup => AutoEscape::Html,
            Self::Plain => AutoEscape::None,
        }
    }
}

/// Renders a template with these values.
///
/// # Errors
/// What is wrong with the template, for people. The text contains no secret, since it quotes only
/// the template.
pub(crate) fn fill(template: &str, place: Place, values: &Value) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(MAX_STEPS));
    // An unknown name is a typing error, and must not count as an empty value.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| place.escape());
    environment.set_formatter(|out, state, value| match state.auto_escape() {
        AutoEscape::Custom(name) => {
            if value.is_undefined() {
                return Err(Error::from(ErrorKind::UndefinedError));
            }
            let text = value.to_string();
            let text = if name == "header" {
                header(&text)
            } else if value.is_safe() {
                text
            } else {
                url::form_urlencoded::byte_serialize(text.as_bytes())
                    .collect::<String>()
                    // Both mean a space in a form, but in a path only `%20` does.
                    .replace('+', "%20")
            };
            out.write_str(&text).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    });
    let template = environment
        .template_from_named_str("template", template)
        .map_err(|error| sentence(&error))?;
    let mut output = Bounded(Vec::new());
    match template.render_captured_to(values.clone(), &mut output) {
        Ok(_) => String::from_utf8(output.0).map_err(|_| "does not produce text".to_owned()),
        Err(_) if output.0.len() > MAX_BODY_SIZE => {
            Err(format!("produces more than {MAX_BODY_SIZE} bytes"))
        }
        Err(error) => Err(sentence(&error)),
    }
}

/// Evaluates an expression over an answer.
///
/// # Errors
/// What is wrong with the expression, for people.
pub(crate) fn evaluate(expression: &str, values: &Value) -> Result<Value, String> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(MAX_STEPS));
    // An answer may have any shape and lack any value.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    let compiled = environment
        .compile_expression(expression)
        .map_err(|error| sentence(&error))?;
    compiled
        .eval(values.clone())
        .map_err(|error| sentence(&error))
}

/// Returns the error in words for the template's author: what is wrong, and in which line.
fn sentence(error: &Error) -> String {
    let what = match error.kind() {
        ErrorKind::UndefinedError => "uses a name that does not exist".to_owned(),
        ErrorKind::OutOfFuel => "takes too much work: is there an endless loop?".to_owned(),
        kind => match error.detail() {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_string(),
        },
    };
    match error.line() {
        Some(line) if line > 0 => format!("{what} (line {line})"),
        _ => what,
    }
}

/// Returns a text as the value of a header: without line ends, since the text after one would be
/// another header, and in visible ASCII only.
fn header(text: &str) -> String {
    let visible = |one: char| match one {
        ' '..='~' => one,
        '\t' | '\n' | '\r' => ' ',
        _ => '?',
    };
    text.chars().map(visible).collect()
}

/// A buffer for the output, which accepts at most [`MAX_BODY_SIZE`] bytes.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > MAX_BODY_SIZE {
            return Err(io::Error::other("it is too large"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The attributes of a message, by name. An attribute that a message does not have is an empty
/// text.
#[derive(Debug)]
struct Attributes(BTreeMap<String, String>);

impl Object for Attributes {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let value = key.as_str().and_then(|key| self.0.get(key));
        Some(Value::from(value.map_or("", String::as_str)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(Value::from).collect())
    }
}

/// Returns the values of a delivery that templates can use.
pub(crate) fn values(config: &Config, delivery: &Delivery) -> Value {
    values_of(config, delivery.notification(), delivery.attempt())
}

pub(crate) fn values_of(config: &Config, notification: &Notification, attempt: u32) -> Value {
    let attributes = notification.attributes();
    let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let values = MessageValues {
        id: notification.id(),
        incident: notification.incident().unwrap_or_default(),
        host: notification.host().unwrap_or_default(),
        title: notification.title().unwrap_or_default(),
        body: notification.body(),
        severity: notification.severity().name(),
        kind: notification.kind().name(),
        occurred_at: notification.occurred_at(),
        attributes: attributes.collect(),
        attempt,
    };
    values.values(config)
}

/// The values of a message, which is a real one or an example.
struct MessageValues<'a> {
    id: &'a str,
    incident: &'a str,
    host: &'a str,
    title: &'a str,
    body: &'a str,
    severity: &'a str,
    kind: &'a str,
    occurred_at: SystemTime,
    attributes: BTreeMap<String, String>,
    attempt: u32,
}

impl MessageValues<'_> {
    fn values(self, config: &Config) -> Value {
        let signed = |distance: Duration| i64::try_from(distance.as_secs()).unwrap_or(i64::MAX);
        let seconds = match self.occurred_at.duration_since(UNIX_EPOCH) {
            Ok(after) => signed(after),
            Err(error) => -signed(error.duration()),
        };
        let mut text = String::new();
        if !self.title.is_empty() {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{}", self.title);
        }
        text.push_str(self.body);
        let secrets = config.secrets.iter();
        let secrets: BTreeMap<String, Value> = secrets
            .map(|(name, secret)| (name.clone(), Value::from(secret.expose().as_str())))
            .collect();
        context! {
            id => self.id,
            incident => self.incident,
            host => self.host,
            title => self.title,
            body => self.body,
            text => text,
            severity => self.severity,
            kind => self.kind,
            occurred_at => rfc3339(self.occurred_at),
            occurred_at_unix => seconds,
            attributes => Value::from_object(Attributes(self.attributes)),
            attempt => self.attempt,
            secrets => secrets,
        }
    }
}

/// Returns the values of two examples that have nothing in common, with which templates are tried.
pub(crate) fn examples(config: &Config) -> [Value; 2] {
    let plain = MessageValues {
        id: "1",
        incident: "",
        host: "",
        title: "",
        body: "x",
        severity: "info",
        kind: "message",
        occurred_at: UNIX_EPOCH,
        attributes: BTreeMap::new(),
        attempt: 1,
    };
    let odd = "a \"b\"\\ <c>&d=e/f?g#h\r\n\u{1f4a5}\u{202e}";
    let full = MessageValues {
        id: "01a20724-9088-757c-842a-384ca4eb2bab",
        incident: odd,
        host: odd,
        title: odd,
        body: odd,
        severity: "critical",
        kind: "problem",
        occurred_at: UNIX_EPOCH + Duration::from_secs(1_767_323_045),
        attributes: BTreeMap::from([("metric_path".to_owned(), odd.to_owned())]),
        attempt: 7,
    };
    [plain.values(config), full.values(config)]
}
