//! Forwards the engine's own log events in a worker to the program's log, like the plugin's.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use annunciator_core::{code::LogLevel, services::LogRecordV1};
use serde_json::{Map, Value as Json};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{Interest, set_global_default},
};

use super::link::Link;

/// Installs the subscriber that sends the events of this process to the program.
pub(super) fn install(link: &Arc<Link>) {
    // A program that has installed a subscriber of its own keeps it.
    let _ = set_global_default(EventForwarder(Arc::clone(link)));
}

struct EventForwarder(Arc<Link>);

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::ERROR,
        Level::WARN => LogLevel::WARN,
        Level::INFO => LogLevel::INFO,
        Level::DEBUG => LogLevel::DEBUG,
        Level::TRACE => LogLevel::TRACE,
    }
}

impl Subscriber for EventForwarder {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // The program's level changes.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.is_logged(level(*metadata.level()))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // No spans are requested in the code that runs here.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let others = Json::Object(fields.others);
        self.0.log(LogRecordV1 {
            level: level(*event.metadata().level()),
            target: event.metadata().target().into(),
            message: fields.message.into(),
            fields_json: others.to_string().into(),
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Json>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to memory does not fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            let text = format!("{value:?}");
            self.others
                .insert(field.name().to_owned(), Json::String(text));
        }
    }
}
