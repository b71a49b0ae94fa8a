//! The README's example is a program that works.

use std::{fs, path::Path};

use crate::program::{Home, text};

#[test]
fn the_readme_s_example_is_the_program_that_is_run_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = text(root.join("README.md"));
    let (_, embedding) = readme.split_once("## Embed it").unwrap();
    let (_, code) = embedding.split_once("```rust,no_run\n").unwrap();
    let (code, _) = code.split_once("```\n").unwrap();
    let program = text(root.join("tests/src/bin/embed.rs"));
    let (_, program) = program.split_once("\n\n").unwrap();
    assert_eq!(code, program);
}

#[test]
fn the_readme_s_example_delivers_in_a_process_of_its_own() {
    let shows = tempfile::NamedTempFile::new().unwrap();
    let shown = shows.path().display();
    let home = Home::new(&format!(
        "{{type: steady, shows: '{shown}', delivery: {{isolation: process}}}}"
    ));
    let mut program = home.program(env!("CARGO_BIN_EXE_embed"));
    let program = program
        .arg("heartbeat.yaml")
        .stderr(std::process::Stdio::piped());
    let child = program.spawn().unwrap();
    let id = child.id();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.is_empty(), "{said}");
    let shown = fs::read_to_string(shows.path()).unwrap();
    assert!(shown.starts_with("process "), "{shown}");
    assert!(!shown.contains(&format!("process {id}\n")), "{shown}");
}
