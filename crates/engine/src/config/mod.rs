//! The configuration: one YAML file, read by the schemas of the plugins and of the embedding
//! program.
//!
//! `read` builds a `tree` of the file's `events`, `schema` converts nodes to settings, `options`
//! and `groups` read the engine's own keys, `load` combines these, `problem` collects problems, and
//! `locate` finds their places and decides what may be shown. serde_yaml and its parser are used
//! only in this module.

mod channels;
mod content;
mod disabled;
mod document;
mod events;
mod extras;
mod files;
mod group;
mod groups;
mod host_table;
mod hosts;
mod keys;
mod kind;
mod load;
mod locate;
mod model;
mod names;
mod naming;
mod not_yaml;
mod options;
mod partial;
mod path;
mod place;
mod plugins;
mod problem;
mod quiet_hours;
mod reach;
mod read;
mod redact;
mod reference;
mod schema;
mod schema_types;
mod section;
mod source;
mod standalone;
mod suggest;
mod top_level;
mod tree;
mod unprovable;
mod unsupported;
mod untyped;

pub use document::document_schema;
pub(crate) use document::schema_of;
pub use group::GroupConfig;
pub(crate) use group::Named;
pub(crate) use load::{Document, check_text, load_channels, peek, place_of, search_plugins};
pub use locate::Span;
pub(crate) use model::ChannelIndex;
pub use model::{ChannelConfig, Config, HostConfig};
pub use options::{
    Canary, ChannelOptions, DeliveryConfig, Isolation, OnUnknown, Rate, Retention, Retry,
    StorePlace,
};
pub(crate) use plugins::PluginSearch;
pub use problem::{Level, Problem, Problems};
pub use quiet_hours::QuietHours;
pub use reach::Reach;
pub use redact::presentable;
pub(crate) use section::HostKeys;
pub use section::{Section, SectionProblem};
pub use source::ReadError;
pub(crate) use standalone::{read_channels, read_definition};
pub(crate) use top_level::LoadOptions;
