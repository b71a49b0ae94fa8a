//! How much tests try: little wherever they run, and everything where somebody has
//! the time.

use std::env;

/// Set to 1, tests by chance and by repetition go through all of their rounds.
pub const FULL: &str = "ANNUNCIATOR_FULL";

/// Whether all rounds are wanted.
#[must_use]
pub fn is_full() -> bool {
    env::var(FULL).is_ok_and(|full| full == "1")
}

/// So many rounds: `usual`, or `full` where all are wanted.
#[must_use]
pub fn rounds<T>(usual: T, full: T) -> T {
    if is_full() { full } else { usual }
}

/// The same, unless a variable of the test's own says how many.
///
/// # Panics
/// When the variable holds no number.
#[must_use]
pub fn rounds_by(variable: &str, usual: u64, full: u64) -> u64 {
    let Ok(said) = env::var(variable) else {
        return rounds(usual, full);
    };
    match said.parse() {
        Ok(number) => number,
        Err(_) => panic!("{variable} is {said:?}, which is no number"),
    }
}
