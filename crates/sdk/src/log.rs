//! The bridge from `tracing` and `log` in a plugin to the host's log.
//!
//! A plugin's library has its own statics of both, to which nobody listens. When the host loads
//! the library, a small subscriber and a logger are installed there, which forward each event under
//! the name of the active channel. A plugin that is linked statically shares the host's statics
//! and needs none of this.

use std::{
    fmt::{self, Write as _},
    panic,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

use annunciator_core::{
    code::LogLevel,
    ffi::{RStr, RString},
    services::LogRecordV1,
};
use serde_json::{Map, Value};
use tracing_core::{
    Event, Level, LevelFilter, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{guard, host::Host};

/// The maximum length of a text, in bytes; longer ones are cut, so that no plugin floods the log.
const TEXT_LIMIT: usize = 16 * 1024;

static MAX_LEVEL: AtomicU32 = AtomicU32::new(0);
static INSTALL: Once = Once::new();

/// Forwards this library's events and panics to its host.
pub(crate) fn install() {
    INSTALL.call_once(|| {
        // If the library has set a subscriber of its own, that one stays.
        let _ = tracing::subscriber::set_global_default(Forward);
        let _ = log::set_logger(&ForwardLog);
        panic::set_hook(Box::new(|info| guard::remember_panic(info.to_string())));
    });
}

/// Asks the host which level of detail it logs, and remembers the most detailed one.
pub(crate) fn learn_level(host: &Host) {
    let wanted = LogLevel::KNOWN
        .iter()
        .filter(|level| host.0.log_enabled(**level, RStr::from_str("")))
        .map(|level| level.0)
        .max()
        .unwrap_or(0);
    if MAX_LEVEL.fetch_max(wanted, Ordering::Relaxed) < wanted {
        tracing::callsite::rebuild_interest_cache();
        log::set_max_level(max_level());
    }
}

/// Returns the same level for `log`.
fn max_level() -> log::LevelFilter {
    match LogLevel(MAX_LEVEL.load(Ordering::Relaxed)) {
        LogLevel(0) => log::LevelFilter::Off,
        LogLevel::ERROR => log::LevelFilter::Error,
        LogLevel::WARN => log::LevelFilter::Warn,
        LogLevel::INFO => log::LevelFilter::Info,
        LogLevel::DEBUG => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    }
}

fn code(level: &Level) -> LogLevel {
    match *level {
        Level::ERROR => LogLevel::ERROR,
        Level::WARN => LogLevel::WARN,
        Level::INFO => LogLevel::INFO,
        Level::DEBUG => LogLevel::DEBUG,
        Level::TRACE => LogLevel::TRACE,
    }
}

struct Forward;

impl Subscriber for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && code(metadata.level()).0 <= MAX_LEVEL.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match LogLevel(MAX_LEVEL.load(Ordering::Relaxed)) {
            LogLevel(0) => LevelFilter::OFF,
            LogLevel::ERROR => LevelFilter::ERROR,
            LogLevel::WARN => LevelFilter::WARN,
            LogLevel::INFO => LevelFilter::INFO,
            LogLevel::DEBUG => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let Some(host) = guard::current() else {
            return;
        };
        let metadata = event.metadata();
        let level = code(metadata.level());
        if !host.0.log_enabled(level, RStr::from_str(metadata.target())) {
            return;
        }
        let mut record = Record::default();
        event.record(&mut record);
        let fields_json = if record.fields.is_empty() {
            String::new()
        } else {
            Value::Object(record.fields).to_string()
        };
        host.0.log(LogRecordV1 {
            level,
            target: RString::from(metadata.target()),
            message: RString::from(cut(record.message)),
            fields_json: RString::from(fields_json),
        });
    }

    // The host opens a span around each channel's work; a plugin's spans are not forwarded.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The same for the events of `log`.
struct ForwardLog;

impl log::Log for ForwardLog {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        let Some(host) = guard::current().filter(|_| log::Log::enabled(self, record.metadata()))
        else {
            return;
        };
        let level = match record.level() {
            log::Level::Error => LogLevel::ERROR,
            log::Level::Warn => LogLevel::WARN,
            log::Level::Info => LogLevel::INFO,
            log::Level::Debug => LogLevel::DEBUG,
            log::Level::Trace => LogLevel::TRACE,
        };
        if host.0.log_enabled(level, RStr::from_str(record.target())) {
            host.0.log(LogRecordV1 {
                level,
                target: RString::from(record.target()),
                message: RString::from(cut(record.args().to_string())),
                fields_json: RString::new(),
            });
        }
    }

    fn flush(&self) {}
}

#[derive(Default)]
struct Record {
    message: String,
    fields: Map<String, Value>,
}

impl Record {
    fn put(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, cut(text).into());
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = value.to_owned();
        } else {
            self.put(field, cut(value.to_owned()).into());
        }
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_LIMIT {
        let end = (0..=TEXT_LIMIT)
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
