//! How much tests try: little by default, and everything on request.

use std::env;

/// The environment variable that, set to 1, has randomized and repeated tests run all of their
/// rounds.
pub const FULL: &str = "ANNUNCIATOR_FULL";

/// Returns whether all rounds are requested.
#[must_use]
pub fn is_full() -> bool {
    env::var(FULL).is_ok_and(|full| full == "1")
}

/// Returns the number of rounds: `usual`, or `full` if all are requested.
#[must_use]
pub fn rounds<T>(usual: T, full: T) -> T {
    if is_full() { full } else { usual }
}

/// Returns the number of rounds in the same way, unless a variable of the test's own gives it.
///
/// # Panics
/// Panics if the variable is not a number.
#[must_use]
pub fn rounds_by(variable: &str, usual: u64, full: u64) -> u64 {
    let Ok(said) = env::var(variable) else {
        return rounds(usual, full);
    };
    match said.parse() {
        Ok(number) => number,
        Err(_) => panic!("{variable} is {said:?}, which is not a number"),
    }
}
