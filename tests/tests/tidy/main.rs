//! The rules of the house, kept by a machine: allowed edges, short files that
//! say what they are, unsafe code in listed files only, plugins of one shape,
//! and documents that speak of what exists.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod commands;
mod documents;
mod edges;
mod floors;
mod houses;
mod messages;
mod modules;
mod museum;
mod names;
mod plugins;
mod small_crates;
mod sources;
mod suites;
mod typed;
mod unsafe_code;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// What is kept as it was, by its rules of then.
const FROZEN: &str = "tests/museum/1.0";

/// Folders with what was built, and with other people's packages.
const FOREIGN: [&str; 2] = ["target", "node_modules"];

/// All files below the root that git would take, by their paths from there.
fn files(extension: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, root: &Path, extension: &str, found: &mut Vec<(String, String)>) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !FOREIGN.contains(&name.as_str())
                    && !name.starts_with('.')
                    && !path.ends_with(FROZEN)
                {
                    walk(&path, root, extension, found);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                let shown = path.strip_prefix(root).unwrap().display().to_string();
                found.push((shown, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &root(), extension, &mut found);
    assert!(found.len() > 3, "no {extension} files found");
    found
}

fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}
