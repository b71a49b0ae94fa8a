//! `hbd plugins`: lists plugins by their notes. Runs none of them.

use annunciator::{Catalog, PluginDir, PluginFile, inspect};
use serde_json::{Value as Json, json};

use crate::{
    Exit,
    arguments::{Arguments, Plugins, PluginsAction},
    beside,
    output::Output,
    setup,
};

pub(crate) fn run(arguments: &Arguments, plugins: &Plugins, output: &Output) -> Exit {
    match &plugins.action {
        Some(PluginsAction::Lock(pin)) => return super::lock::run(arguments, pin, output),
        Some(PluginsAction::Validate(validate)) => {
            return super::validate::run(arguments, validate, output);
        }
        Some(PluginsAction::New(new)) => return super::new::run(new, output),
        None => {}
    }
    let (files, rejected) = match &plugins.path {
        Some(path) if !path.is_dir() => match inspect(path) {
            Ok(Some(file)) => (vec![file], Vec::new()),
            Ok(None) => {
                let sentence = format!(
                    "{} carries no note of an Annunciator plugin",
                    path.display()
                );
                (Vec::new(), vec![sentence])
            }
            Err(error) => (Vec::new(), vec![error.to_string()]),
        },
        Some(path) => listed(&Catalog::scan(&[PluginDir::named(path)])),
        None => {
            let builder = setup::builder_without_file(arguments);
            let catalog = builder.find_plugins();
            beside::print(&catalog, builder.file(), output);
            listed(&catalog)
        }
    };
    if plugins.json {
        let files: Vec<Json> = files
            .iter()
            .map(|file| {
                let mut about = json!(file.note);
                about["path"] = json!(file.path);
                about
            })
            .collect();
        output.json(&json!({ "plugins": files, "rejected": rejected }));
    } else {
        table(&files, output);
        rejected
            .iter()
            .for_each(|sentence| output.warning(sentence));
    }
    if rejected.is_empty() {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

fn listed(catalog: &Catalog) -> (Vec<PluginFile>, Vec<String>) {
    let refused = catalog.refused();
    let rejected = catalog.rejected().iter().chain(&refused);
    (
        catalog.files().to_vec(),
        rejected.map(ToString::to_string).collect(),
    )
}

fn table(files: &[PluginFile], output: &Output) {
    let rows: Vec<[String; 5]> = files
        .iter()
        .map(|file| {
            let note = &file.note;
            [
                note.name.clone(),
                note.version.clone(),
                format!("{}.{}", note.abi_major, note.abi_minor),
                note.channel_types.join(", "),
                file.path.display().to_string(),
            ]
        })
        .collect();
    output.table(["PLUGIN", "VERSION", "ABI", "CHANNEL TYPES", "FILE"], &rows);
}
