//! The museum: what is kept as it was stays as it was, to the byte.

use std::{fs, path::Path};

use ring::digest::{Context, SHA256};

use crate::{FROZEN, root};

/// The SHA-256 of the museum: of each file's path, length and bytes, in the order of the
/// paths.
const DIGEST: &str = "77351e829c60b25b80be045dbcf3e8bfa85e14cd3196bbf2c22864e10838843e";

#[test]
fn nothing_in_the_museum_has_changed() {
    let folder = root().join(FROZEN);
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files);
    files.sort();
    assert!(files.len() > 10, "the museum was not read");
    let mut digest = Context::new(&SHA256);
    for path in &files {
        let bytes = fs::read(folder.join(path)).unwrap();
        digest.update(path.as_bytes());
        digest.update(&[0]);
        digest.update(&u64::try_from(bytes.len()).unwrap().to_be_bytes());
        digest.update(&bytes);
    }
    let digest: String = digest
        .finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(digest, DIGEST, "{FROZEN} is not what it was");
}

fn collect(folder: &Path, museum: &Path, files: &mut Vec<String>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() {
            // What is built there is not part of it.
            if name != "target" {
                collect(&path, museum, files);
            }
        } else {
            let shown = path.strip_prefix(museum).unwrap().display().to_string();
            files.push(shown);
        }
    }
}
