//! Unsafe code stands in listed files.

use std::collections::BTreeMap;

use crate::{files, is_comment, none};

/// The files that may hold unsafe code, each for one reason.
pub const UNSAFE: [(&str, &str); 12] = [
    (
        "crates/core/src/load.rs",
        "reading a root module whose layout was checked",
    ),
    (
        "crates/engine/src/config/events.rs",
        "asking serde_yaml's parser for events and their places",
    ),
    (
        "crates/engine/src/plugin/in_process.rs",
        "opening a library",
    ),
    (
        "crates/engine/src/worker/child/confine.rs",
        "closing what nobody here has opened",
    ),
    (
        "crates/sdk/src/export.rs",
        "exporting the entry that hosts look for",
    ),
    ("crates/sdk/src/guard.rs", "dropping under a guard"),
    (
        "tests/fixtures/failing-disk/src/calls.rs",
        "standing between a process and its disk",
    ),
    (
        "tests/fixtures/ill-behaved/src/crash.rs",
        "a fault that nobody catches",
    ),
    (
        "tests/fixtures/ill-behaved/src/line.rs",
        "sockets that are not the plugin's",
    ),
    (
        "tests/src/bin/embed_wrongly/forked.rs",
        "a process that is there twice",
    ),
    (
        "tests/fixtures/own-allocator/src/allocator.rs",
        "an allocator",
    ),
    ("tests/fixtures/raw/src/lib.rs", "a plugin without the SDK"),
];

#[test]
fn unsafe_code_stands_in_listed_files() {
    let listed: BTreeMap<&str, &str> = UNSAFE.into_iter().collect();
    let mut broken = Vec::new();
    for (path, text) in files("rs") {
        let uses = text.lines().filter(|line| !is_comment(line)).any(|line| {
            [
                "unsafe {",
                "unsafe fn",
                "unsafe impl",
                "unsafe(",
                "unsafe extern",
            ]
            .iter()
            .any(|word| line.contains(word))
        });
        // Those of the museum are hosts without the engine.
        let is_host = path.starts_with("tests/museum/") || path.starts_with("tests/tests/tidy/");
        let known = listed.contains_key(path.as_str()) || is_host;
        if uses && !known {
            broken.push(format!("{path} holds unsafe code and is not listed"));
        }
        if !uses && listed.contains_key(path.as_str()) {
            broken.push(format!("{path} is listed and holds none"));
        }
    }
    none(broken);
}
