//! Who depends on whom, as ARCHITECTURE.md has it.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use crate::{files, is_comment, none, packages, root};

/// What a row of the table of rooms allows: a folder, its packages, and those that they
/// may depend on, besides dev-dependencies.
struct Room {
    folder: String,
    may: Vec<String>,
}

/// The table of rooms.
fn rooms() -> Vec<Room> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| room |"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    let code = |cell: &str| cell.split('`').nth(1).unwrap_or_default().to_owned();
    // The last word of a room's folder is what other rows call it.
    let names: BTreeMap<String, String> = rows
        .iter()
        .map(|row| (code(&row[1]), code(&row[2])))
        .map(|(folder, package)| (folder.rsplit('/').next().unwrap().to_owned(), package))
        .collect();
    let rooms = rows.iter().map(|row| {
        let may = row[4].split(';').next().unwrap().split(", ");
        let may = may.filter(|word| *word != "nothing here");
        let named = |word: &str| names.get(word).unwrap_or_else(|| panic!("no room {word}"));
        Room {
            folder: code(&row[1]),
            may: may.map(|word| named(word).clone()).collect(),
        }
    });
    rooms.collect()
}

/// The place in the table of the room that a package belongs to.
fn room_of(rooms: &[Room], manifest: &str) -> Option<usize> {
    let folder = Path::new(manifest).strip_prefix(root()).unwrap();
    // The nearest: that of the fixtures lies below that of the tests.
    folder.ancestors().skip(1).find_map(|folder| {
        let is_it = |room: &Room| Path::new(&room.folder) == folder;
        rooms.iter().position(is_it)
    })
}

#[test]
fn only_allowed_edges_exist() {
    let packages = packages();
    let names: Vec<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    let rooms = rooms();
    let mut broken = Vec::new();
    let mut used = vec![false; rooms.len()];
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let manifest = package["manifest_path"].as_str().unwrap();
        let place = room_of(&rooms, manifest);
        let Some(place) = place else {
            broken.push(format!("{name} is in no row of ARCHITECTURE.md"));
            continue;
        };
        used[place] = true;
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            let dev = dependency["kind"] == "dev";
            let may = rooms[place].may.iter().any(|allowed| allowed == target);
            if names.contains(&target) && !dev && !may {
                broken.push(format!(
                    "{name} -> {target} is not in ARCHITECTURE.md's table"
                ));
            }
        }
    }
    for (room, _) in rooms.iter().zip(used).filter(|(_, used)| !used) {
        broken.push(format!("ARCHITECTURE.md: {} holds no package", room.folder));
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
fn shipped_crates_depend_on_no_stand_in() {
    // Those of the table of rooms, besides what tests and the workspace alone use.
    let unshipped = ["crates/testkit", "crates/xtask", "tests", "tests/fixtures"];
    let rooms = rooms();
    for folder in unshipped {
        assert!(rooms.iter().any(|room| room.folder == folder), "{folder}");
    }
    let packages = packages();
    let (shipped, unshipped): (Vec<&Value>, Vec<&Value>) = packages.iter().partition(|package| {
        let place = room_of(&rooms, package["manifest_path"].as_str().unwrap());
        place.is_none_or(|place| !unshipped.contains(&&*rooms[place].folder))
    });
    let mut broken = Vec::new();
    for package in shipped {
        for dependency in package["dependencies"].as_array().unwrap() {
            let is_unshipped = unshipped
                .iter()
                .any(|one| one["name"] == dependency["name"]);
            if is_unshipped && dependency["kind"] != "dev" {
                broken.push(format!(
                    "{} depends on {}",
                    package["name"], dependency["name"]
                ));
            }
        }
    }
    none(broken);
}

/// What makes a program of a library is the program's.
#[test]
fn the_monitor_and_the_protocol_know_no_command_line_and_no_server() {
    let programs_own = [
        "clap",
        "http-body-util",
        "hyper",
        "hyper-util",
        "metrics-exporter-prometheus",
        "sd-notify",
        "signal-hook",
        "tracing-subscriber",
    ];
    let mut broken = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        if !["annunciator-monitor", "annunciator-protocol"].contains(&name) {
            continue;
        }
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            if programs_own.contains(&target) && dependency["kind"] != "dev" {
                broken.push(format!("{name} uses {target}, which is a program's"));
            }
        }
    }
    none(broken);
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
