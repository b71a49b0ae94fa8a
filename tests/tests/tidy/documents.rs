//! Documents: what they say is there, is there, in the number that they say.

use std::{fs, path::Path};

use annunciator_validator::LIST;

use crate::{files, none, root, sources::MAX_FILE_LINES, unsafe_code::UNSAFE};

#[test]
fn documents_speak_of_files_that_exist() {
    let mut broken = Vec::new();
    for (path, text) in files("md") {
        let folder = root().join(&path);
        let folder = folder.parent().unwrap();
        for part in text.split('`').skip(1).step_by(2) {
            let looks_like_a_path = [
                "crates/",
                "plugins/",
                "host-app/",
                "tests/",
                "config/",
                ".ci/",
            ]
            .iter()
            .any(|room| part.starts_with(room));
            let plain = !part.contains(['*', ' ', '<', '{', '…']);
            if looks_like_a_path && plain && !root().join(part).exists() {
                broken.push(format!("{path}: {part}"));
            }
        }
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap_or_default();
            let local =
                !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
            if local && !folder.join(target).exists() {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    none(broken);
}

/// Sentences with a number that grows, and the number as it is.
#[test]
fn numbers_in_documents_are_as_they_are() {
    let mut broken = Vec::new();
    for (document, before, after, number) in [
        ("README.md", "Examine a plugin in ", " checks", LIST.len()),
        (
            "CHANGELOG.md",
            "examines a plugin in ",
            " checks",
            LIST.len(),
        ),
        (
            "ARCHITECTURE.md",
            "unsafe code outside ",
            " listed files",
            UNSAFE.len(),
        ),
        (
            "ARCHITECTURE.md",
            "on a file of more than ",
            " lines",
            MAX_FILE_LINES,
        ),
    ] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentence = format!("{before}{number}{after}");
        if !text.contains(&sentence) {
            broken.push(format!("{document} does not say {sentence:?}"));
        }
    }
    none(broken);
}

/// The folders of the plugins.
fn plugins() -> Vec<String> {
    let folders = root().join("plugins").read_dir().unwrap();
    let mut names: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_plugin_is_in_the_readme_and_is_installed() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let build = fs::read_to_string(root().join("crates/xtask/src/build.rs")).unwrap();
    let mut broken = Vec::new();
    for plugin in plugins() {
        if !readme.contains(&format!("[{plugin}](plugins/{plugin}/README.md)")) {
            broken.push(format!("README.md has no link to {plugin}"));
        }
        if !build.contains(&format!("\"annunciator-{plugin}\"")) {
            broken.push(format!("`cargo xtask dist` leaves {plugin} out"));
        }
    }
    none(broken);
}

/// A message passes as few files as a person can keep in mind.
const MAX_FILES_ON_THE_WAY: usize = 20;

#[test]
fn the_way_of_a_message_is_described_by_files_that_exist_and_not_too_many() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("## From a message to people").nth(1).unwrap();
    let steps = section
        .lines()
        .skip_while(|line| !line.starts_with("| 1 |"));
    let mut way: Vec<String> = Vec::new();
    for step in steps.take_while(|line| line.starts_with('|')) {
        // A name without a folder stands beside the one before it.
        let mut folder = String::new();
        let quoted = step.split('`').skip(1).step_by(2);
        for file in quoted.filter(|quoted| Path::new(quoted).extension() == Some("rs".as_ref())) {
            let path = match file.rsplit_once('/') {
                Some((before, _)) => {
                    folder = before.to_owned();
                    file.to_owned()
                }
                None => format!("{folder}/{file}"),
            };
            assert!(root().join(&path).is_file(), "ARCHITECTURE.md: no {path}");
            way.push(path);
        }
    }
    way.sort();
    way.dedup();
    assert!(way.len() > 10, "the table was not read: {way:?}");
    assert!(way.len() <= MAX_FILES_ON_THE_WAY, "{}: {way:?}", way.len());
}

/// The README's picture shows the way of a message by its stages.
#[test]
fn the_stages_of_the_picture_are_modules_of_the_engine() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    // The store is a crate of its own.
    let places = ["crates", "crates/engine/src", "crates/engine/src/delivery"];
    let is_module = |word: &str| {
        places.iter().any(|folder| {
            let folder = root().join(folder);
            folder.join(word).is_dir() || folder.join(format!("{word}.rs")).is_file()
        })
    };
    let mut stages = Vec::new();
    let picture = readme.lines().filter(|line| line.contains('►'));
    // What becomes of a file is told in words.
    for line in picture.filter(|line| !line.contains("plugins:")) {
        let words: Vec<&str> = line
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '►'))
            .filter(|word| !word.is_empty())
            .collect();
        for (at, _) in words
            .iter()
            .enumerate()
            .filter(|(_, word)| word.contains('►'))
        {
            stages.extend([words[at - 1], words[at + 1]]);
        }
    }
    // What is accepted is recorded before it is tried, and what came of it afterwards.
    for stage in ["submission", "store", "dispatcher", "attempt", "persist"] {
        let is_shown = stages.contains(&stage) || readme.contains(&format!(" {stage}: "));
        assert!(is_shown, "README.md: the picture lacks {stage}");
    }
    let unknown = stages.into_iter().filter(|word| !is_module(word));
    none(
        unknown
            .map(|word| format!("README.md: {word} is not a stage"))
            .collect(),
    );
}
