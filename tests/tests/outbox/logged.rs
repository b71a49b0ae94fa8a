//! What is logged of attempts: a warning where another follows, an error where
//! none does.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock},
};

use annunciator::{Route, store::State};
use annunciator_testkit::http::Fault;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::desk::{Desk, ended, status};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The log of the whole process: what a subscriber of one thread's is told depends
/// on the others that there are meanwhile.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing_subscriber::fmt()
            .with_writer(log.clone())
            .with_ansi(false)
            .with_max_level(LevelFilter::INFO)
            .init();
        log
    })
}

impl Log {
    /// The lines about a notification with the words that users search.
    fn failures(&self, notification: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines();
        let lines = lines.filter(|line| line.contains("failed to send notification"));
        let lines = lines.filter(|line| line.contains(notification));
        lines.map(str::to_owned).collect()
    }
}

/// What is logged of a message whose first attempts end like this.
async fn logged(options: &str, faults: impl IntoIterator<Item = Fault>) -> (State, Vec<String>) {
    let log = log();
    let desk = Desk::new().await.with(options);
    faults
        .into_iter()
        .for_each(|fault| desk.remote.fault(fault));
    let engine = desk.engine().await;
    let receipt = engine.submit(Route::Defaults, "down", None).await.unwrap();
    let state = ended(&engine).await[0];
    (state, log.failures(&receipt.notification))
}

#[tokio::test]
async fn what_is_tried_again_is_a_warning_and_what_has_failed_is_an_error() {
    let twice = || [status(503), status(503)];
    let (state, lines) = logged("retry: {attempts: 5, first: 1s}", twice()).await;
    assert_eq!((state, lines.len()), (State::Delivered, 2), "{lines:#?}");
    for line in &lines {
        assert!(line.contains(" WARN "), "{line}");
        assert!(line.contains("; tried again at 2"), "{line}");
        assert!(
            !line.contains("host= ") && !line.contains("hint= "),
            "{line}"
        );
    }
    let (state, lines) = logged("retry: {attempts: 2, first: 1s}", twice()).await;
    assert_eq!((state, lines.len()), (State::Failed, 2), "{lines:#?}");
    assert!(lines[0].contains(" WARN "), "{lines:#?}");
    assert!(lines[1].contains(" ERROR "), "{lines:#?}");
    assert!(!lines[1].contains("tried again"), "{lines:#?}");
}

#[tokio::test]
async fn a_field_that_says_nothing_is_left_out() {
    let (_, lines) = logged("retry: {attempts: 1}", [Fault::ResetBeforeStoring]).await;
    let line = &lines[0];
    for field in ["host=", "code="] {
        assert!(!line.contains(field), "{line}");
    }
    assert!(line.contains("channel=ops"), "{line}");
}
