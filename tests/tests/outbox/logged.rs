//! What is logged of attempts: a warning where another follows, an error where
//! none does.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use annunciator::store::State;
use annunciator_testkit::http::Fault;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, util::SubscriberInitExt as _};

use crate::desk::{Desk, ended, status, submit};

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

impl Log {
    /// The lines with the words that users search.
    fn failures(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines();
        let lines = lines.filter(|line| line.contains("failed to send notification"));
        lines.map(str::to_owned).collect()
    }
}

/// What is logged of a message whose first attempts end like this.
async fn logged(options: &str, faults: impl IntoIterator<Item = Fault>) -> (State, Vec<String>) {
    let log = Log::default();
    // The runtime of a test has this thread only.
    let _guard = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .with_max_level(LevelFilter::INFO)
        .set_default();
    let desk = Desk::new().await.with(options);
    faults
        .into_iter()
        .for_each(|fault| desk.remote.fault(fault));
    let engine = desk.engine().await;
    submit(&engine, "down").await;
    let state = ended(&engine).await[0];
    (state, log.failures())
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
