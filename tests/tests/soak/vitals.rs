//! What the process takes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the process is looked at.
pub const PACE: Duration = Duration::from_secs(1);

/// A look at the process.
#[derive(Debug, Clone, Copy)]
pub struct Vitals {
    pub after: Duration,
    /// Notifications so far.
    pub accepted: u64,
    /// Resident, in bytes, what is shared included.
    pub memory: u64,
    pub descriptors: usize,
    pub threads: usize,
    /// What the store takes on the disk, in bytes.
    pub file: u64,
}

impl Vitals {
    fn look(accepted: u64, began: Instant, file: &Path) -> Self {
        let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
        let log = format!("{}-wal", file.display());
        let files = [file, Path::new(&log)];
        let sizes = files.map(|file| fs::metadata(file).map_or(0, |facts| facts.len()));
        Self {
            after: began.elapsed(),
            accepted,
            memory: memory(),
            descriptors: count("fd"),
            threads: count("task"),
            file: sizes.iter().sum(),
        }
    }
}

fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

/// Looks at the process, each second.
pub struct Watch {
    began: Instant,
    next: Instant,
    file: PathBuf,
    wanted: u64,
    samples: Vec<Vitals>,
    first_tenth: Option<Vitals>,
}

/// What was seen.
pub struct Seen(Watch);

impl Watch {
    pub fn begin(wanted: u64, file: &Path) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            next: now,
            file: file.to_owned(),
            wanted,
            samples: Vec::new(),
            first_tenth: None,
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Looks, when it is time to.
    pub fn look(&mut self, accepted: u64) {
        let is_tenth = self.first_tenth.is_none() && accepted * 10 >= self.wanted;
        let is_due = Instant::now() >= self.next;
        if !is_tenth && !is_due {
            return;
        }
        let vitals = Vitals::look(accepted, self.began, &self.file);
        if is_tenth {
            self.first_tenth = Some(vitals);
        }
        if is_due {
            self.samples.push(vitals);
            self.next = Instant::now() + PACE;
        }
    }

    /// Looks for the last time.
    pub fn end(mut self, accepted: u64) -> Seen {
        self.next = Instant::now();
        self.look(accepted);
        Seen(self)
    }
}

impl Seen {
    pub fn first_tenth(&self) -> Vitals {
        self.0.first_tenth.unwrap()
    }

    pub fn last(&self) -> Vitals {
        *self.0.samples.last().unwrap()
    }

    /// What was seen after the first tenth.
    pub fn later(&self) -> impl Iterator<Item = &Vitals> {
        let after = self.first_tenth().after;
        let samples = self.0.samples.iter();
        samples.filter(move |vitals| vitals.after > after)
    }

    /// About ten of the looks, the first, that after the first tenth and the
    /// last among them.
    pub fn table(&self) -> String {
        let mut table = "| after | accepted | resident memory | descriptors | threads | file |\n\
            | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
        let samples = &self.0.samples;
        let step = samples.len().div_ceil(8).max(1);
        let few = samples.iter().step_by(step).chain(samples.last());
        let mut rows: Vec<Vitals> = few.chain(&self.0.first_tenth).copied().collect();
        rows.sort_by_key(|vitals| vitals.after);
        rows.dedup_by_key(|vitals| vitals.after);
        for row in rows {
            table.push_str(&format!(
                "| {:.1} s | {} | {:.1} MB | {} | {} | {:.0} MB |\n",
                row.after.as_secs_f64(),
                row.accepted,
                megabytes(row.memory),
                row.descriptors,
                row.threads,
                megabytes(row.file)
            ));
        }
        table
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
