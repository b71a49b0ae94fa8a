//! `cargo xtask crash`: kills an engine again and again, and tells what was
//! lost. The test that does it runs wherever the tests run; here it can be
//! asked for more.

use std::io;

use crate::build::{cargo, succeed};

/// Kills an engine so often; a run can be repeated by its seed.
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
