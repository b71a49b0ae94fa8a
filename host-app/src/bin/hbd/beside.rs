//! Folders named `plugins` beside this program and beside the configuration: people put
//! plugins there, but hbd searches them only if they are named.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use annunciator::{Catalog, EngineBuilder, LoadError, PluginDir, PluginFile};

use crate::output::Output;

const NAME: &str = "plugins";
/// How to have such a folder searched.
const SETTING: &str = "name it in plugins.dirs, or with --plugin-dir";

/// Prints which of the folders have plugins and are not searched.
pub(crate) fn print(searched: &Catalog, config: &Path, output: &Output) {
    for folder in folders(config) {
        let files = unsearched(searched, &folder);
        if files.is_empty() {
            continue;
        }
        let (s, folder) = (if files.len() == 1 { "" } else { "s" }, folder.display());
        let note = format!("{folder} has {} plugin{s} and is not searched", files.len());
        output.note(format!("{note}: {SETTING}"));
    }
}

/// Prints which of the folders has a plugin for a channel type that the configuration uses
/// and no searched plugin offers.
pub(crate) fn suggest_missing(builder: &EngineBuilder, error: &LoadError, output: &Output) {
    let LoadError::Problems(problems) = error else {
        return;
    };
    let is_of_type = |field: &Option<String>| field.as_deref() == Some("type");
    let mut unknown = { problems.iter() }.filter(|problem| is_of_type(&problem.field));
    if unknown.next().is_none() {
        return;
    }
    let searched = builder.find_plugins();
    let known: BTreeSet<&str> = searched.channel_types().collect();
    for folder in folders(builder.file()) {
        for file in unsearched(&searched, &folder) {
            let types = file.note.channel_types.iter().map(String::as_str);
            for name in types.filter(|name| !known.contains(name)) {
                let says = |text: &str| text.split('`').any(|part| part == name);
                if problems.iter().any(|problem| says(&problem.message)) {
                    let file = file.path.display();
                    output.note(format!(
                        "{file} offers `{name}`, and its folder is not searched: {SETTING}"
                    ));
                }
            }
        }
    }
}

fn folders(config: &Path) -> Vec<PathBuf> {
    let program = env::current_exe().ok();
    let beside = |path: &Path| Some(path.parent()?.join(NAME));
    let both = [program.as_deref().and_then(beside), beside(config)];
    // Two paths may lead to one folder; a folder that does not exist has nothing to
    // suggest.
    let real = both
        .into_iter()
        .flatten()
        .filter_map(|it| fs::canonicalize(it).ok());
    let mut folders: Vec<PathBuf> = real.collect();
    folders.dedup();
    folders
}

/// Returns the plugins of a folder that are not among those that were found. Runs none of
/// them.
fn unsearched(searched: &Catalog, folder: &Path) -> Vec<PluginFile> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let real = |file: &PluginFile| fs::canonicalize(&file.path).ok();
    let known: BTreeSet<PathBuf> = searched.files().iter().filter_map(real).collect();
    let found = Catalog::scan(&[PluginDir::named(folder)]);
    let files = found.files().iter();
    let unknown = files.filter(|file| real(file).is_none_or(|path| !known.contains(&path)));
    unknown.cloned().collect()
}
