//! The configuration: one YAML file, read by the schemas of the plugins and of
//! the embedding program.
//!
//! `tree` keeps every character, `schema` turns nodes into settings, `options` and
//! `groups` read what the engine itself is told, `load` puts everything together,
//! `problem` collects what is wrong, `locate` finds where it stands. serde_yaml
//! appears in here only.

mod alone;
mod channels;
mod content;
mod document;
mod extras;
mod group;
mod groups;
mod host_table;
mod hosts;
mod keys;
mod load;
mod locate;
mod model;
mod names;
mod naming;
mod natural;
mod options;
mod path;
mod place;
mod plugins;
mod policy;
mod problem;
mod quiet_hours;
mod redact;
mod reference;
mod schema;
mod section;
mod stream;
mod suggest;
mod tree;
mod wants;

pub(crate) use alone::{read_channels, read_definition};
pub use document::document_schema;
pub(crate) use document::schema_of;
pub use group::GroupConfig;
pub(crate) use group::Named;
pub use load::{LoadError, Loaded};
pub(crate) use load::{LoadOptions, find_plugins, load_channels, load_file, peek};
pub use locate::Span;
pub(crate) use model::ChannelIndex;
pub use model::{ChannelConfig, Config, HostConfig};
pub use policy::{
    Canary, ChannelOptions, DeliveryConfig, Isolation, Keep, OnUnknown, Rate, Retry, StorePlace,
};
pub use problem::{Level, Problem, Problems};
pub use quiet_hours::QuietHours;
pub(crate) use section::HostKeys;
pub use section::{Section, SectionProblem};
