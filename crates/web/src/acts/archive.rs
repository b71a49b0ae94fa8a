//! The thread that keeps acts: in a file of a limited length, or the latest in memory.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::mpsc::Receiver,
};

use tokio::sync::oneshot;

use super::act::{Act, ActPage};

/// The length that a file may have, in bytes: some ten thousand acts. With the one before it,
/// twice as much is kept.
const MAX_LENGTH: u64 = 4 * 1024 * 1024;
/// The number of acts that are kept in memory.
const MAX_IN_MEMORY: usize = 1000;

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Order {
    /// Keep an act.
    Append(Act),
    /// Return acts.
    Read {
        before: Option<u64>,
        limit: usize,
        reply: oneshot::Sender<io::Result<ActPage>>,
    },
}

/// What was done, as the thread has it.
#[derive(Debug)]
pub(super) struct Archive {
    path: Option<PathBuf>,
    max_length: u64,
    /// The number of the next act; none until the file was read.
    next: Option<u64>,
    /// The latest acts, the oldest first, where there is no file.
    recent: VecDeque<Act>,
    /// Whether the file could not be written, which is logged once.
    has_failed: bool,
}

impl Archive {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            max_length: MAX_LENGTH,
            next: None,
            recent: VecDeque::new(),
            has_failed: false,
        }
    }

    /// Carries out orders until nobody can give any more.
    pub(super) fn obey(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Append(act) => self.append(act),
                Order::Read {
                    before,
                    limit,
                    reply,
                } => drop(reply.send(self.read(before, limit))),
            }
        }
    }

    fn append(&mut self, mut act: Act) {
        act.number = self.number();
        let Some(path) = &self.path else {
            self.recent.push_back(act);
            if self.recent.len() > MAX_IN_MEMORY {
                self.recent.pop_front();
            }
            return;
        };
        match write(path, self.max_length, &act) {
            Ok(()) => self.has_failed = false,
            Err(error) if !self.has_failed => {
                self.has_failed = true;
                let path = path.display();
                tracing::error!("acts cannot be recorded in {path}: {error}; they are in this log");
            }
            Err(_) => {}
        }
    }

    /// Returns the number of the next act, which goes on from those of earlier processes.
    fn number(&mut self) -> u64 {
        let next = self.next.unwrap_or_else(|| {
            let last = self.read(None, 1).ok();
            let last = last.and_then(|page| page.acts.first().map(|act| act.number));
            last.unwrap_or_default() + 1
        });
        self.next = Some(next + 1);
        next
    }

    fn read(&self, before: Option<u64>, limit: usize) -> io::Result<ActPage> {
        let is_asked_for = |act: &Act| before.is_none_or(|before| act.number < before);
        let mut acts: Vec<Act> = Vec::new();
        let Some(path) = &self.path else {
            let recent = self.recent.iter().rev().filter(|act| is_asked_for(act));
            acts.extend(recent.take(limit + 1).cloned());
            return Ok(page(acts, limit));
        };
        for path in [path.clone(), earlier(path)] {
            let text = text(&path, self.max_length)?;
            // A line that was cut off by a crash is no act.
            let lines = text.lines().rev();
            let read = lines.filter_map(|line| serde_json::from_str(line).ok());
            let left = (limit + 1).saturating_sub(acts.len());
            acts.extend(read.filter(is_asked_for).take(left));
        }
        Ok(page(acts, limit))
    }
}

/// Returns a page of acts, of which there may be one more.
fn page(mut acts: Vec<Act>, limit: usize) -> ActPage {
    let is_last = acts.len() <= limit;
    acts.truncate(limit);
    let last = acts.last().filter(|_| !is_last);
    ActPage {
        before: last.map(|act| act.number),
        acts,
    }
}

/// Returns the path of the file that was full.
fn earlier(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

fn text(path: &Path, max_length: u64) -> io::Result<String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(max_length).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a line at the end of the file, or at the beginning of a new one if it is full. The file
/// is opened each time, so that whoever moves it away does not lose what comes.
fn write(path: &Path, max_length: u64, act: &Act) -> io::Result<()> {
    let mut line = serde_json::to_vec(act)?;
    line.push(b'\n');
    let length = fs::metadata(path).map_or(0, |facts| facts.len());
    if length > 0 && length + line.len() as u64 > max_length {
        fs::rename(path, earlier(path))?;
    }
    let mut options = OpenOptions::new();
    let options = options.append(true).create(true).read(true).mode(0o600);
    let mut file = options.open(path)?;
    if !ends_whole(&file)? {
        line.insert(0, b'\n');
    }
    file.write_all(&line)
}

/// Returns whether a file is empty or ends with a line's end.
fn ends_whole(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last == [b'\n'])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    fn made() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acts.jsonl");
        (folder, path)
    }

    fn act(about: &str) -> Act {
        Act {
            act: "silence".to_owned(),
            about: Some(about.to_owned()),
            ..Act::default()
        }
    }

    fn abouts(page: &ActPage) -> Vec<&str> {
        let acts = page.acts.iter();
        acts.filter_map(|act| act.about.as_deref()).collect()
    }

    #[test]
    fn numbers_go_on_in_the_next_process_and_nobody_else_may_read() {
        let (_folder, path) = made();
        Archive::new(Some(path.clone())).append(act("a"));
        // A process that was killed while it wrote.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"number\": 99, \"at").unwrap();
        let mut archive = Archive::new(Some(path.clone()));
        archive.append(act("b\n\u{202e}"));
        let page = archive.read(None, 10).unwrap();
        assert_eq!(abouts(&page), ["b\n\u{202e}", "a"]);
        let numbers: Vec<u64> = page.acts.iter().map(|act| act.number).collect();
        assert_eq!(numbers, [2, 1]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn pages_lead_through_both_files_and_what_is_older_is_forgotten() {
        let (_folder, path) = made();
        let mut archive = Archive::new(Some(path.clone()));
        archive.max_length = 1000;
        for number in 1..=60 {
            archive.append(act(&number.to_string()));
        }
        for file in [path.clone(), earlier(&path)] {
            assert!(fs::metadata(file).unwrap().len() <= 1000);
        }
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = archive.read(before, 7).unwrap();
            seen.extend(page.acts.iter().map(|act| act.number));
            before = page.before;
            if before.is_none() {
                break;
            }
        }
        let newest: Vec<u64> = (1..=60).rev().take(seen.len()).collect();
        assert_eq!(seen, newest);
        assert!((20..60).contains(&seen.len()), "{}", seen.len());
    }

    #[test]
    fn memory_keeps_the_latest() {
        let mut archive = Archive::new(None);
        for number in 0..=MAX_IN_MEMORY {
            archive.append(act(&number.to_string()));
        }
        let page = archive.read(None, usize::MAX - 1).unwrap();
        assert_eq!(page.acts.len(), MAX_IN_MEMORY);
        assert_eq!(page.acts.last().unwrap().number, 2);
    }

    #[test]
    fn a_file_that_cannot_be_written_stops_nobody() {
        let (folder, _) = made();
        let mut archive = Archive::new(Some(folder.path().to_owned()));
        archive.append(act("a"));
        assert!(archive.has_failed);
    }
}
