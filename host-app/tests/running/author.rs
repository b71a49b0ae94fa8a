//! Somebody who writes a plugin by what a document says: the blocks in it, in order,
//! as they are typed.

use std::{path::Path, process::Command};

use annunciator_testkit::outside::prepare;

use crate::monitor::Home;

/// A block: what kind it is, and what is in it.
pub fn blocks(document: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = document.split("\n```").collect();
    // Each second part stands between two fences.
    let blocks = parts.iter().skip(1).step_by(2);
    blocks
        .map(|block| {
            let (kind, text) = block.split_once('\n').unwrap();
            (kind.to_owned(), format!("{text}\n"))
        })
        .collect()
}

/// The commands of a document.
pub fn commands(document: &str) -> Vec<String> {
    let blocks = blocks(document)
        .into_iter()
        .filter(|(kind, _)| kind == "sh");
    blocks
        .flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// Runs a command in a folder. The folder of packaged plugins is that of the home,
/// and `$SDK` is this checkout's.
pub fn run(home: &Home, folder: &Path, line: &str) {
    let plugins = home.plugins().display().to_string();
    let line = line.replace("/usr/lib/annunciator/plugins", &plugins);
    let hbd = Path::new(env!("CARGO_BIN_EXE_hbd")).parent().unwrap();
    let path = format!("{}:{}", hbd.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(folder);
    // What they depend on is built once for all of them.
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    prepare(&mut shell, &shared);
    let output = shell
        .env("PATH", path)
        .env("HBD_CONFIG", home.file())
        .env(
            "SDK",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sdk"),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}\n{said}\n{error}");
}
