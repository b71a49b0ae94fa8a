//! Plugins: of one shape, and unknown to the engine.

use std::fs;

use crate::{files, is_comment, none, root};

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
        "tests/provider/delivery.rs",
        "tests/provider/faults.rs",
        "tests/provider/settings.rs",
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
