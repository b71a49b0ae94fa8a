//! No secret reaches a person's eyes, whatever is wrong with the file: canaries in
//! the places of secrets, in YAML of every shape, and something that is broken.
//!
//! `ANNUNCIATOR_FULL=1` tries a hundred thousand; those that ever failed stand in
//! `tests/corpus/secrets` and are tried each time.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fmt::Write as _, fs, path::Path, thread};

use annunciator::{Catalog, EngineBuilder, Problems};
use annunciator_testkit::{effort::rounds, rig::Rig};
use annunciator_tests::yaml::{CANARY, Shapes};

const PLUGINS: [&str; 5] = [
    "annunciator-email",
    "annunciator-mattermost",
    "annunciator-pushover",
    "annunciator-webhook",
    "fixture-steady",
];

/// Cases of each of the threads.
fn cases() -> u64 {
    rounds(1_000, 25_000)
}

const THREADS: u64 = 4;

struct Bench {
    _rig: Rig,
    builder: EngineBuilder,
    plugins: Catalog,
}

impl Bench {
    fn new() -> Self {
        let rig = Rig::new(&PLUGINS).unwrap();
        let builder = heartbeat::config::declare(rig.exactly("").unwrap());
        Self {
            plugins: builder.find_plugins(),
            builder,
            _rig: rig,
        }
    }

    /// All that anybody could see of a file.
    fn seen(&self, text: &str) -> String {
        let mut seen = String::new();
        let problems = match self.builder.check_text(text, &self.plugins) {
            Ok((config, warnings)) => {
                write!(seen, "{config:?}").unwrap();
                for channel in config.channels() {
                    write!(seen, "{channel:?}").unwrap();
                }
                warnings
            }
            Err(problems) => *problems,
        };
        seen.push_str(&of(&problems));
        seen
    }

    /// What is seen of a file's canaries, if anything is.
    fn leak(&self, text: &str) -> Option<String> {
        let seen = self.seen(text);
        let at = seen.find(CANARY)?;
        let from = seen[..at]
            .char_indices()
            .rev()
            .nth(300)
            .map_or(0, |(at, _)| at);
        Some(seen[from..].chars().take(500).collect())
    }
}

fn of(problems: &Problems) -> String {
    let mut seen = format!("{problems}\n{problems:?}\n{}\n", problems.source());
    for problem in problems.iter() {
        write!(seen, "{problem:?}").unwrap();
    }
    seen
}

#[test]
fn whatever_is_broken_no_canary_is_seen() {
    let bench = Bench::new();
    let leaks: Vec<(u64, String, String)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let bench = &bench;
                scope.spawn(move || {
                    let seeds = (0..cases()).map(|case| thread * 1_000_000 + case);
                    seeds
                        .filter_map(|seed| {
                            let text = Shapes::new(seed).configuration();
                            let leak = bench.leak(&text)?;
                            Some((seed, text, leak))
                        })
                        .take(3)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    for (seed, text, leak) in &leaks {
        println!("--- {seed}\n{text}\n{text:?}\n--- shows\n{leak}\n");
    }
    assert!(leaks.is_empty(), "{} files show a secret", leaks.len());
}

#[test]
fn those_that_ever_failed_show_nothing() {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/secrets");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(CANARY), "{}", path.display());
        let leak = bench.leak(&text);
        assert!(
            leak.is_none(),
            "{}: {}",
            path.display(),
            leak.unwrap_or_default()
        );
        files += 1;
    }
    assert!(files > 10, "{files}");
}

#[test]
fn the_shapes_are_often_sound_and_often_not() {
    let bench = Bench::new();
    let texts = (0..400).map(|seed| Shapes::new(seed).configuration());
    let (mut sound, mut syntax, mut wrong) = (0, 0, 0);
    for text in texts {
        match bench.builder.check_text(&text, &bench.plugins) {
            Ok(_) => sound += 1,
            Err(problems) if problems.to_string().contains("this is not YAML") => syntax += 1,
            Err(_) => wrong += 1,
        }
    }
    assert!(
        sound > 10 && syntax > 80 && wrong > 80,
        "{sound} {syntax} {wrong}"
    );
}
