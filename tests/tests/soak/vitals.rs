//! What the process takes.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, Instant},
};

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
    pub fn look(accepted: u64, began: Instant, file: &Path) -> Self {
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

pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// About ten of the looks, the first and the last among them.
pub fn table(samples: &[Vitals]) -> String {
    let mut table = "| after | accepted | resident memory | descriptors | threads | file |\n\
        | --- | --- | --- | --- | --- | --- |"
        .to_owned();
    let step = samples.len().div_ceil(10).max(1);
    let last = samples.len() - 1;
    for (i, sample) in samples.iter().enumerate() {
        if i % step == 0 || i == last {
            write!(
                table,
                "\n| {:.0} s | {} | {:.1} MB | {} | {} | {:.0} MB |",
                sample.after.as_secs_f64(),
                sample.accepted,
                megabytes(sample.memory),
                sample.descriptors,
                sample.threads,
                megabytes(sample.file)
            )
            .unwrap();
        }
    }
    table
}
