//! What the process that is killed writes down, line by line and each line
//! whole, however it ends.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

/// What the engine logs before it tells something without a record.
const WITHOUT_A_RECORD: &str = "once and without a record";
/// What it logs when an outcome cannot be recorded at once.
const LATER: &str = "outcomes are recorded when";

/// The lines, by what they are about.
#[derive(Debug, Clone, Copy)]
pub enum About {
    /// Texts whose acceptance was answered.
    Receipts,
    /// Texts that were told without a record, since there could be none.
    Unrecorded,
    /// Texts that were refused, since there could be no record.
    Refused,
    /// Deliveries whose outcome could not be recorded at once.
    Late,
}

impl About {
    fn open(self, folder: &Path) -> File {
        let path = folder.join(format!("{self:?}"));
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.unwrap()
    }

    /// Adds a line.
    pub fn note(self, folder: &Path, line: &str) {
        // One write: a line is there whole, or not at all.
        let line = format!("{line}\n");
        self.open(folder).write_all(line.as_bytes()).unwrap();
    }

    /// All lines.
    pub fn lines(self, folder: &Path) -> Vec<String> {
        let text = fs::read_to_string(folder.join(format!("{self:?}")));
        let text = text.unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// All lines, each once.
    pub fn set(self, folder: &Path) -> BTreeSet<String> {
        self.lines(folder).into_iter().collect()
    }
}

/// Listens to the engine's log.
#[derive(Debug, Clone)]
pub struct Listener {
    folder: Arc<Path>,
    /// What the one caller that waits for outcomes tells just now.
    notifying: Arc<Mutex<String>>,
}

impl Listener {
    /// Begins to listen.
    pub fn begin(folder: &Path) -> Self {
        let listener = Self {
            folder: folder.into(),
            notifying: Arc::default(),
        };
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
            .with_writer(listener.clone())
            .init();
        listener
    }

    /// This is told next.
    pub fn tells(&self, text: &str) {
        text.clone_into(&mut self.notifying.lock().unwrap());
    }

    /// Whether it was told without a record.
    pub fn sent_without_a_record(&self, text: &str) -> bool {
        About::Unrecorded.set(&self.folder).contains(text)
    }
}

impl Write for Listener {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if line.contains(WITHOUT_A_RECORD) {
            About::Unrecorded.note(&self.folder, &self.notifying.lock().unwrap());
        }
        if line.contains(LATER) {
            About::Late.note(&self.folder, "one");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Listener {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
