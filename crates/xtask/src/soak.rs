//! `cargo xtask soak`: lets an engine work for a long time, and reports the resources that it
//! uses. The test behind it is part of the test suite, where it runs for a moment; this command
//! builds in release mode and runs longer.

use std::io;

use crate::build::{cargo, succeed};

/// Lets an engine deliver this many notifications.
pub(crate) fn run(notifications: u64) -> io::Result<()> {
    let mut test = cargo("test");
    test.args(["--release", "--package", "annunciator-tests"])
        .args(["--test", "soak", "--", "--nocapture"])
        .env("ANNUNCIATOR_SOAK_NOTIFICATIONS", notifications.to_string());
    succeed(test)
}
