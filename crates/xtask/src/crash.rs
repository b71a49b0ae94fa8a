//! `cargo xtask crash`: kills an engine repeatedly, and reports what was lost. The test behind it
//! is part of the test suite; this command runs more rounds of it.

use std::io;

use crate::build::{cargo, succeed};

/// Kills an engine this often; the same seed repeats a run.
pub(crate) fn run(rounds: u32, seed: Option<u64>) -> io::Result<()> {
    let mut test = cargo("test");
    test.args(["--package", "annunciator-tests", "--test", "crash"])
        .args(["--", "--nocapture"])
        .env("ANNUNCIATOR_CRASH_ROUNDS", rounds.to_string());
    if let Some(seed) = seed {
        test.env("ANNUNCIATOR_CRASH_SEED", seed.to_string());
    }
    succeed(test)
}
