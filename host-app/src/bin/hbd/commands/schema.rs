//! `hbd schema`: prints a JSON Schema of the configuration, generated from the plugins.

use annunciator::ChannelType;

use crate::{Exit, arguments::Arguments, output::Output, setup};

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Exit {
    let builder = setup::builder_without_file(arguments);
    let catalog = builder.find_plugins();
    let mut types: Vec<ChannelType> = Vec::new();
    let mut exit = Exit::Ok;
    for name in catalog.channel_types() {
        match catalog.describe(name) {
            Ok(channel_type) => types.push(channel_type),
            Err(sentence) => {
                output.warning(&sentence);
                exit = Exit::Failed;
            }
        }
    }
    if types.is_empty() {
        output.error("no plugin was found");
        output.help("name their folder with --plugin-dir DIR");
        return Exit::Wrong;
    }
    output.json(&builder.document_schema(&types));
    exit
}
