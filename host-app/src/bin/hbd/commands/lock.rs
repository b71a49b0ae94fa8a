//! `hbd plugins lock`: pins the plugins in their current version. Runs none of them.

use std::collections::BTreeMap;

use annunciator::{Catalog, Lock, LockError, PluginFile};
use serde_json::{Value as Json, json};

use crate::{
    Exit,
    arguments::{Arguments, PinPlugins},
    output::{Output, one_line},
    setup,
};

pub(super) fn run(arguments: &Arguments, pin: &PinPlugins, output: &Output) -> Exit {
    let catalog = setup::plugins(arguments);
    // Unreadable plugins were not compared.
    let rejected: Vec<String> = catalog.rejected().iter().map(ToString::to_string).collect();
    if !rejected.is_empty() {
        for sentence in rejected {
            output.error(&sentence);
        }
        output.help("nothing was pinned: fix these, or remove them from the folders");
        return Exit::Failed;
    }
    match write(&catalog) {
        Ok(pinned) => {
            print(&catalog, &pinned, pin, output);
            Exit::Ok
        }
        Err(sentence) => {
            output.error(&sentence);
            Exit::Failed
        }
    }
}

/// The plugins that were pinned, and those that no longer are.
struct Pinned {
    plugins: Vec<(PluginFile, String)>,
    removed: Vec<String>,
}

fn write(catalog: &Catalog) -> Result<Pinned, String> {
    let mut lock = known(catalog).map_err(|error| error.to_string())?;
    let mut plugins: BTreeMap<String, (PluginFile, String)> = BTreeMap::new();
    for file in catalog.files() {
        let sha256 = file.sha256().map_err(|error| error.to_string())?;
        lock.pin(&file.note, sha256);
        let name = file.note.name.clone();
        if let Some((other, _)) = plugins.insert(name, (file.clone(), sha256.to_string())) {
            return Err(format!(
                "{} and {} are both called {}: remove one of them",
                other.path.display(),
                file.path.display(),
                file.note.name
            ));
        }
    }
    let names: Vec<&str> = plugins.keys().map(String::as_str).collect();
    let removed = lock.keep_only(&names);
    lock.write().map_err(|error| error.to_string())?;
    Ok(Pinned {
        plugins: plugins.into_values().collect(),
        removed,
    })
}

/// Returns the plugins that are pinned so far, including those for other targets.
fn known(catalog: &Catalog) -> Result<Lock, LockError> {
    let path = catalog.lock_file();
    if path.exists() {
        Lock::read(path)
    } else {
        Ok(Lock::empty(path))
    }
}

fn print(catalog: &Catalog, pinned: &Pinned, pin: &PinPlugins, output: &Output) {
    let lock_file = catalog.lock_file();
    if pin.json {
        let plugins: Vec<Json> = { pinned.plugins.iter() }
            .map(|(file, sha256)| {
                json!({
                    "name": file.note.name,
                    "version": file.note.version,
                    "target": file.note.target,
                    "path": file.path,
                    "sha256": sha256,
                })
            })
            .collect();
        output.json(&json!({
            "lock_file": lock_file,
            "pinned": plugins,
            "removed": pinned.removed,
        }));
        return;
    }
    let row = |(file, sha256): &(PluginFile, String)| {
        let note = &file.note;
        [note.name.clone(), note.version.clone(), sha256.clone()]
    };
    let rows: Vec<[String; 3]> = pinned.plugins.iter().map(row).collect();
    output.table(["PLUGIN", "VERSION", "SHA-256"], &rows);
    for name in &pinned.removed {
        output.line(&format!(
            "{} is no longer pinned: it is not there",
            one_line(name)
        ));
    }
    output.line(&format!("\nwritten to {}", lock_file.display()));
}
