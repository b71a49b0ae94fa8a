//! The `delivery:` keys, which set how deliveries are made, and the options of groups.
//!
//! A key is one field of a struct in `channel`, `global` or `group`: its name, type, range and doc
//! comment define what the file may contain, and its value in `Default` applies if the file does
//! not set it. The same struct generates the JSON Schema by which the reader reads and editors
//! complete (`schema`), and the row in docs/delivery.md (`tests/tests/configuration/document.rs`).
//! `layers` reads and merges the options of all channels and of one, `value` has the kinds of value
//! that are written as text, and `sense` and `stored` find options that are valid alone but not
//! together.

mod channel;
mod global;
mod group;
mod layers;
mod rate;
mod schema;
mod sense;
mod store_place;
mod stored;
mod time;
pub(super) mod value;
mod words;

pub use self::{
    channel::{Canary, ChannelOptions, Isolation, OnUnknown, Retry},
    global::{DeliveryConfig, Retention},
    rate::Rate,
    store_place::StorePlace,
};
pub(super) use self::{
    group::GroupOptions,
    layers::{Inherited, read_global},
    schema::{CHANNEL, FORMATS, GLOBAL, GROUP, GROUP_BUT_STEPS},
    stored::check as check_stored,
    value::Text,
};
