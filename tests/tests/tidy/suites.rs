//! Suites of tests: those that documents and `.ci/run` name are there, and
//! CONTRIBUTING.md says of each when it is run.

use std::{collections::BTreeSet, fs};

use crate::{files, none, packages, root};

/// The names of the workspace's suites, each a target of its own.
fn suites() -> BTreeSet<String> {
    let mut suites = BTreeSet::new();
    for package in packages() {
        for target in package["targets"].as_array().unwrap() {
            if target["kind"][0] == "test" {
                suites.insert(target["name"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(suites.len() > 20, "{suites:?}");
    suites
}

/// The suites that a text names by `--test NAME`. A pattern is none, and neither is what
/// a shell puts in.
fn named(text: &str) -> BTreeSet<&str> {
    let behind = text.split("--test ").skip(1);
    let names = behind.map(|rest| {
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || "_*'\"$".contains(c));
        rest.split(is_end).next().unwrap()
    });
    names
        .filter(|name| !name.is_empty() && !name.contains(['*', '\'', '"', '$']))
        .collect()
}

#[test]
fn suites_that_are_named_are_there() {
    let suites = suites();
    let mut texts = files("md");
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    texts.push((".ci/run".to_owned(), ci.clone()));
    let (mut broken, mut found) = (Vec::new(), 0);
    for (path, text) in &texts {
        let named = named(text);
        found += named.len();
        let unknown = named.into_iter().filter(|name| !suites.contains(*name));
        broken.extend(unknown.map(|name| format!("{path}: there is no suite {name}")));
    }
    assert!(found > 30, "only {found} suites are named");
    // Those that a step leaves out.
    let (_, left_out) = ci.split_once("case \"$suite\" in").unwrap();
    let (left_out, _) = left_out.split_once("*)").unwrap();
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let left_out: Vec<&str> = left_out
        .split(is_end)
        .filter(|name| !name.is_empty())
        .collect();
    assert!(left_out.len() > 5, "{left_out:?}");
    let unknown = left_out.into_iter().filter(|name| !suites.contains(*name));
    broken.extend(unknown.map(|name| format!(".ci/run leaves out {name}, which is no suite")));
    none(broken);
}

#[test]
fn contributors_learn_when_to_run_each_suite() {
    let guide = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let table = guide
        .lines()
        .skip_while(|line| *line != "| what you touch | what to run |");
    let table: Vec<&str> = table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let mut broken = Vec::new();
    let mut missing = suites();
    // The guide has a section of these.
    missing.retain(|name| !name.starts_with("interop_"));
    for row in table {
        for name in named(row) {
            missing.remove(name);
        }
        let folders = row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2);
        let gone = folders.filter(|folder| !root().join(folder).exists());
        broken.extend(gone.map(|folder| format!("CONTRIBUTING.md: no {folder}")));
    }
    let missing = missing.iter();
    broken.extend(missing.map(|name| format!("CONTRIBUTING.md: when is {name} run?")));
    none(broken);
}

#[test]
fn names_of_suites_are_read_where_they_stand() {
    let text = "cargo test --test one --test two\n`--test three`, (--test \"$suite\") --test 'x_*'";
    let expected: BTreeSet<&str> = ["one", "two", "three"].into();
    assert_eq!(named(text), expected);
}
