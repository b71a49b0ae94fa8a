//! The configuration: one YAML file, read by the schemas of the plugins.
//!
//! `tree` keeps every character, `schema` turns a channel's nodes into its
//! settings, `load` puts everything together, `problem` collects what is
//! wrong, `locate` finds where it stands. serde_yaml appears in here only.

mod channels;
mod document;
mod host_table;
mod hosts;
mod keys;
mod load;
mod locate;
mod model;
mod natural;
mod options;
mod problem;
mod redact;
mod reference;
mod schema;
mod stream;
mod suggest;
mod tree;
mod wants;

pub use document::document_schema;
pub use load::{LoadError, Loaded};
pub(crate) use load::{LoadOptions, find_plugins, load_channels, load_file};
pub use locate::Span;
pub(crate) use model::ChannelIndex;
pub use model::{ChannelConfig, ChannelOptions, Config, HostConfig};
pub use problem::{Level, Problem, Problems};
