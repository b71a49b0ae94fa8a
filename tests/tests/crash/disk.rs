//! What the disk of a round does: the fixture `failing-disk` is preloaded by the
//! process that is killed, and fails by a schedule of its own seed.

use std::{fs, path::Path, process::Command};

use annunciator_testkit::artefacts::plugin_folder;
use tempfile::TempDir;

use crate::random::Random;

/// One in so many rounds has a disk that fails.
const EVERY: u64 = 3;
/// What may happen to it: by initials, full, broken and slow.
const KINDS: [&str; 4] = ["f", "b", "s", "fbs"];
/// A slow call takes at most so long, in milliseconds: beyond what an engine
/// waits for its store, since time runs faster for it.
const MAX_MS: u64 = 60;

/// The library and what it did.
pub struct Disk {
    library: TempDir,
}

/// How many calls had trouble.
#[derive(Debug, Default, Clone, Copy)]
pub struct DiskFaults {
    pub full: usize,
    pub broken: usize,
    pub slow: usize,
}

/// What the disk does in a round.
pub struct Plan {
    seed: u64,
    kinds: &'static str,
    share: u64,
}

impl Disk {
    pub fn new() -> Self {
        Self {
            library: plugin_folder(&["fixture-failing-disk"]).unwrap(),
        }
    }

    /// Lets a process have it.
    pub fn under(&self, process: &mut Command, plan: &Plan, folder: &Path) {
        let mut entries = fs::read_dir(self.library.path()).unwrap();
        let library = entries.next().unwrap().unwrap().path();
        process
            .env("LD_PRELOAD", library)
            .env("ANNUNCIATOR_DISK_FILES", "outbox.sqlite")
            .env("ANNUNCIATOR_DISK_SEED", plan.seed.to_string())
            .env("ANNUNCIATOR_DISK_KINDS", plan.kinds)
            .env("ANNUNCIATOR_DISK_SHARE", plan.share.to_string())
            .env("ANNUNCIATOR_DISK_LONGEST_MS", MAX_MS.to_string())
            .env("ANNUNCIATOR_DISK_COUNTS", counts(folder));
    }
}

impl Plan {
    /// By chance; most rounds have a sound disk.
    pub fn draw(random: &mut Random) -> Option<Self> {
        let is_sound = random.below(EVERY) > 0;
        let plan = Self {
            seed: random.below(u64::MAX),
            kinds: KINDS[usize::try_from(random.below(KINDS.len() as u64)).unwrap()],
            share: 20 + random.below(60),
        };
        (!is_sound).then_some(plan)
    }
}

impl DiskFaults {
    /// What was counted so far.
    pub fn read(folder: &Path) -> Self {
        let counted = fs::read(counts(folder)).unwrap_or_default();
        let count = |initial| counted.iter().filter(|found| **found == initial).count();
        Self {
            full: count(b'f'),
            broken: count(b'b'),
            slow: count(b's'),
        }
    }
}

fn counts(folder: &Path) -> std::path::PathBuf {
    folder.join("troubles")
}
