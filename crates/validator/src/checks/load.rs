//! Checks of loading.

use std::{collections::BTreeSet, fs};

use annunciator::standalone::Standalone;

use crate::miss::{Miss, ensure};
use crate::subject::Subject;

/// The descriptors that loading a copy leaves open: that of the copy's bytes.
const DESCRIPTORS: usize = 1;

pub(super) fn loads(subject: &Subject) -> Result<(), Miss> {
    subject.load().map(drop)
}

fn entries(of: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("/proc/self/{of}"))
        .into_iter()
        .flatten();
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Counts the threads of this process. One that has just ended may still be listed.
fn settled_threads(expected: usize) -> usize {
    let mut threads = entries("task").len();
    for _ in 0..200 {
        if threads <= expected {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        threads = entries("task").len();
    }
    threads
}

/// Requires that no thread or descriptor is added. The process that started this one checks the
/// output.
pub(super) fn quietly(subject: &Subject) -> Result<(), Miss> {
    let (threads, descriptors) = (entries("task").len(), entries("fd").len());
    let standalone = subject.load()?;
    let types = standalone.types().count();
    ensure(types > 0, || "it offers no channel type".to_owned())?;
    let threads_now = settled_threads(threads);
    ensure(threads_now <= threads, || {
        format!(
            "it starts {} threads when it is loaded",
            threads_now - threads
        )
    })?;
    let descriptors_now = entries("fd").len();
    ensure(descriptors_now <= descriptors + DESCRIPTORS, || {
        let more = descriptors_now - descriptors - DESCRIPTORS;
        format!("it opens {more} files or sockets when it is loaded")
    })
}

pub(super) fn twice(subject: &Subject) -> Result<(), Miss> {
    let described = |standalone: &Standalone| -> Vec<String> {
        standalone
            .types()
            .map(|about| format!("{} {}", about.name, about.schema))
            .collect()
    };
    let (first, second) = (subject.load()?, subject.load()?);
    ensure(described(&first) == described(&second), || {
        "the second copy describes itself differently from the first".to_owned()
    })?;
    for channel in &subject.channels {
        let (name, settings) = (&channel.channel_type, &channel.settings_json);
        let (one, other) = (
            first.validate(name, settings),
            second.validate(name, settings),
        );
        ensure(one == other, || {
            format!("the second copy judges settings of {name} differently from the first")
        })?;
    }
    Ok(())
}
