//! The guide for authors, done as it is written: every block in it is used.

use std::{fs, path::Path};

use crate::{
    author::{blocks, run},
    monitor::{CALM, Home, yaml},
};

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn whoever_does_what_the_guide_says_has_a_plugin() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/writing-plugins.md");
    let guide = fs::read_to_string(guide).unwrap();
    let home = Home::with(&yaml(CALM));
    let folder = tempfile::tempdir().unwrap();
    let mut place = folder.path().to_owned();
    for (kind, text) in blocks(&guide) {
        match kind.as_str() {
            "sh" => {
                for line in text.lines() {
                    match line.strip_prefix("cd ") {
                        Some(below) => place.push(below),
                        None => run(&home, &place, line),
                    }
                }
            }
            "rust" => {
                let (file, text) = text.split_once('\n').unwrap();
                let file = place.join(file.strip_prefix("// ").unwrap());
                fs::write(file, text).unwrap();
                run(&home, &place, "cargo fmt --check");
            }
            "json" => {
                fs::write(place.join("waivers.json"), text).unwrap();
                let library = "target/release/libcarrier_pigeon.so";
                let line = format!("hbd plugins validate {library} --waivers waivers.json");
                run(&home, &place, &line);
            }
            "yaml" => check(&home, &place, &text),
            kind => panic!("who reads a block of {kind}?"),
        }
    }
}

/// The configuration of the guide, with what it speaks of in other places.
fn check(home: &Home, place: &Path, yaml: &str) {
    let token = place.join("token");
    fs::write(&token, "s3cret\n").unwrap();
    let yaml = yaml
        .replace(
            "/usr/local/lib/annunciator",
            &place.join("plugins").display().to_string(),
        )
        .replace("/etc/heartbeat/pigeon-token", &token.display().to_string());
    home.configure(&yaml);
    run(home, place, "hbd check");
}
