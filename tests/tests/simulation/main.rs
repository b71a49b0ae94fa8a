//! Whole lives of engines on a clock of the test's own: what is told, how channels
//! are treated, what remotes answer and when engines are restarted follows from a
//! seed. What must hold whatever happens is in `laws`.
//!
//! `SIMULATION_SEED` begins with another seed, `SIMULATION_ROUNDS` says how many
//! are lived through.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod clock;
mod laws;
mod life;
mod random;
mod store;

use std::{env, str::FromStr};

use annunciator_testkit::effort::{rounds, rounds_by};
use life::Haste;
use store::Kind;

fn said<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_the_laws_hold_for_the_store_in_memory() {
    hold_laws(Kind::Memory, 8, 200);
}

#[test]
fn whatever_happens_the_laws_hold_for_the_store_in_a_file() {
    hold_laws(Kind::File, 1, 20);
}

fn hold_laws(kind: Kind, usual: u64, full: u64) {
    let first: u64 = said("SIMULATION_SEED").unwrap_or(1);
    let rounds = rounds_by("SIMULATION_ROUNDS", usual, full);
    for seed in first..first + rounds {
        let haste = if seed % 2 == 0 {
            Haste::Great
        } else {
            Haste::None
        };
        let life = life::live(seed, haste, kind);
        let broken = laws::broken(&life);
        assert!(
            broken.is_empty(),
            "with SIMULATION_SEED={seed} SIMULATION_ROUNDS=1:\n{}\n{}",
            broken.join("\n"),
            life.world.yaml
        );
    }
}

#[test]
fn the_same_seed_is_the_same_life() {
    for seed in 1..=rounds(1, 20) {
        let [one, other] = [(), ()].map(|()| life::live(seed, Haste::None, Kind::Memory).story());
        assert!(one.len() > 10, "{one:?}");
        let differs = one.iter().zip(&other).find(|(one, other)| one != other);
        assert_eq!(
            (one.len(), differs),
            (other.len(), None),
            "SIMULATION_SEED={seed}"
        );
    }
}
