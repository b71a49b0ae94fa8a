//! `cargo xtask soak`: has an engine work for a long time, and tells what it
//! takes. The test that does it runs wherever the tests run, for a moment; here
//! it is built as it is shipped, and goes on.

use std::io;

use crate::build::{cargo, succeed};

/// Has an engine deliver so many notifications.
pub(crate) fn run(notifications: u64) -> io::Result<()> {
    let mut test = cargo("test");
    test.args(["--release", "--package", "annunciator-tests"])
        .args(["--test", "soak", "--", "--nocapture"])
        .env("ANNUNCIATOR_SOAK_NOTIFICATIONS", notifications.to_string());
    succeed(test)
}
