//! The rules of the house, kept by a machine: allowed edges, short files that
//! say what they are, unsafe code in listed files only, plugins of one shape,
//! and documents that speak of what exists.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// A file longer than this holds more than one noun.
const LONGEST_FILE: usize = 400;

/// The files that may hold unsafe code, each for one reason.
const UNSAFE: [(&str, &str); 12] = [
    (
        "crates/core/src/load.rs",
        "reading a root module whose layout was checked",
    ),
    (
        "crates/engine/src/config/events.rs",
        "asking serde_yaml's parser for events and their places",
    ),
    ("crates/engine/src/plugin/loaded.rs", "opening a library"),
    (
        "crates/engine/src/worker/inside/confine.rs",
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

/// Who may depend on whom, besides dev-dependencies.
fn allowed(package: &str) -> &'static [&'static str] {
    match package {
        "annunciator-core" => &[],
        "annunciator-sdk" | "annunciator" | "fixture-raw" => &["annunciator-core"],
        "annunciator-validator" => &["annunciator", "annunciator-core"],
        "hbd" => &["annunciator", "annunciator-validator"],
        "annunciator-testkit" => &["annunciator", "annunciator-core"],
        "xtask" => &["annunciator-testkit"],
        "annunciator-tests" => &["annunciator", "annunciator-testkit"],
        _ => &["annunciator-sdk"],
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// What is kept as it was, by its rules of then.
const FROZEN: &str = "tests/museum/1.0";

/// All files below the root that git would take, by their paths from there.
fn files(extension: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, root: &Path, extension: &str, found: &mut Vec<(String, String)>) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') && !path.ends_with(FROZEN) {
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

#[test]
fn only_allowed_edges_exist() {
    let packages = packages();
    let names: Vec<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    let mut broken = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            let dev = dependency["kind"] == "dev";
            if names.contains(&target) && !dev && !allowed(name).contains(&target) {
                broken.push(format!("{name} -> {target}"));
            }
        }
    }
    none(broken);
}

#[test]
fn the_boundary_s_libraries_are_used_by_the_contract_only() {
    let mut broken = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            let home = match target {
                "abi_stable" | "async-ffi" => "annunciator-core",
                "serde_yaml" | "libloading" => "annunciator",
                _ => continue,
            };
            // The tests compare with it.
            let compares = name == "annunciator-tests" && target == "serde_yaml";
            if name != home && !compares {
                broken.push(format!("{name} uses {target}, which is {home}'s"));
            }
        }
    }
    none(broken);
}

#[test]
fn serde_yaml_stays_behind_the_configuration() {
    let elsewhere = files("rs").into_iter().filter(|(path, text)| {
        text.lines()
            .any(|line| !is_comment(line) && line.contains("serde_yaml::"))
            && !path.starts_with("crates/engine/src/config/")
            && !path.starts_with("tests/tests/")
    });
    none(elsewhere.map(|(path, _)| path).collect());
}

#[test]
fn versions_stand_in_the_workspace_only() {
    let mut broken = Vec::new();
    for (path, text) in files("toml") {
        if !path.ends_with("/Cargo.toml") || path.starts_with("tests/museum/") {
            continue;
        }
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies && !line.trim().is_empty() && !line.starts_with('#') {
                let by_reference = line.contains("workspace = true") || line.contains("path = ");
                let continued = !line.contains('=');
                if !by_reference && !continued {
                    broken.push(format!("{path}: {line}"));
                }
            }
        }
    }
    none(broken);
}

#[test]
fn no_file_is_too_long() {
    let long = files("rs")
        .into_iter()
        .filter(|(_, text)| text.lines().count() > LONGEST_FILE);
    none(
        long.map(|(path, text)| {
            format!(
                "{path}: {} lines: which nouns are in it?",
                text.lines().count()
            )
        })
        .collect(),
    );
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let mute = files("rs")
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "));
    none(mute.map(|(path, _)| path).collect());
}

#[test]
fn no_file_is_named_after_nothing() {
    let vague = [
        "utils", "util", "common", "types", "helpers", "helper", "misc", "manager",
    ];
    let named = files("rs").into_iter().filter(|(path, _)| {
        let stem = Path::new(path)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        vague.contains(&stem.as_str())
    });
    none(named.map(|(path, _)| path).collect());
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

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
        let is_host = path.starts_with("tests/museum/") || path == "tests/tests/tidy.rs";
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

#[test]
fn what_is_unfinished_is_not_committed() {
    let words = ["todo!(", "unimplemented!(", "FIXME", "XXX", "dbg!("];
    let mut broken = Vec::new();
    for (path, text) in files("rs") {
        for (number, line) in text.lines().enumerate() {
            let bare_allow =
                line.contains("allow(") && line.contains("#[") && !text.contains("reason = ");
            if path != "tests/tests/tidy.rs"
                && (words.iter().any(|word| line.contains(word)) || bare_allow)
            {
                broken.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(broken);
}

#[test]
fn plugins_are_of_one_shape() {
    let wanted = [
        "Cargo.toml",
        "README.md",
        "src/lib.rs",
        "src/config.rs",
        "src/provider.rs",
        "src/message.rs",
        "src/outcome.rs",
        "tests/delivery.rs",
        "tests/faults.rs",
        "tests/settings.rs",
    ];
    let mut broken = Vec::new();
    for entry in root().join("plugins").read_dir().unwrap() {
        let folder = entry.unwrap().path();
        for file in wanted {
            if !folder.join(file).is_file() {
                broken.push(format!("{} has no {file}", folder.display()));
            }
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        if !manifest.contains("crate-type = [\"cdylib\", \"rlib\"]") {
            broken.push(format!("{} is no cdylib and rlib", folder.display()));
        }
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        for part in ["## Settings", "```yaml"] {
            if !readme.contains(part) {
                broken.push(format!("{}/README.md has no {part}", folder.display()));
            }
        }
    }
    none(broken);
}

/// The engine is to know no channel type by name.
#[test]
fn the_engine_names_no_plugin() {
    let names = ["pushover", "mattermost", "signal-cli", "smtp"];
    let mut broken = Vec::new();
    for (path, text) in files("rs") {
        if !path.starts_with("crates/engine/src/") && !path.starts_with("crates/core/src/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = !is_comment(line)
                && !text
                    .lines()
                    .take(number)
                    .any(|line| line.contains("#[cfg(test)]"));
            if code && names.iter().any(|name| line.contains(name)) {
                broken.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(broken);
}

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

#[test]
fn shipped_crates_depend_on_no_stand_in() {
    let shipped = ["annunciator", "annunciator-core", "annunciator-sdk", "hbd"];
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let ships = shipped.contains(&name)
            || package["manifest_path"]
                .as_str()
                .unwrap()
                .contains("/plugins/");
        let needs = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .any(|dependency| {
                dependency["name"] == "annunciator-testkit" && dependency["kind"] != "dev"
            });
        assert!(!(ships && needs), "{name} depends on the testkit");
    }
}
