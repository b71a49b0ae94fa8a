//! An engine is killed again and again, at random moments, while it accepts
//! and delivers as fast as it can, while the remote fails in every way, and the
//! disk is full, broken or slow: everything that was accepted arrives, and
//! nothing arrives twice but what was being sent at a kill or got no answer,
//! which is counted.
//!
//! `child` is the process that is killed: this program, started anew; `disk`
//! fails it, `log` has what it writes down. `trial` kills it; `findings`
//! compares what was accepted, what is recorded, and what arrived.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod child;
mod disk;
mod findings;
mod log;
mod random;
mod stories;
mod trial;

use annunciator_testkit::effort::rounds_by;

/// How often the engine is killed where all rounds are wanted, and else.
const ROUNDS: u64 = 200;
const USUAL_ROUNDS: u64 = 20;

fn number(name: &str, usual: u64) -> u64 {
    let number = std::env::var(name).ok();
    number.map_or(usual, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing() {
    let rounds = rounds_by("ANNUNCIATOR_CRASH_ROUNDS", USUAL_ROUNDS, ROUNDS);
    let seed = number("ANNUNCIATOR_CRASH_SEED", 0x9e37_79b9_7f4a_7c15);
    println!("ANNUNCIATOR_CRASH_SEED={seed}");
    let findings = trial::run(rounds, seed).await;
    println!("{findings}");
    findings.check();
}

/// Not a test of its own: what is killed.
#[test]
fn the_process_that_is_killed() {
    child::run_if_asked();
}
