//! The `delivery:` keys: how the engine treats what goes to a channel, and the steps
//! of a group.
//!
//! A key is one field of a struct in `channel`, `global` or `group`: its name, type,
//! range and doc comment are what the file may say, its value in `Default` is what
//! holds where the file is silent. From the same struct come the JSON Schema by which
//! the reader reads and editors complete (`schema`), and the row in docs/delivery.md
//! (`tests/tests/configuration/document.rs`). `layers` reads and puts together what
//! is written for all channels and for one, `value` has the kinds of value that stand
//! as text, `sense` and `stored` find what is sound by itself and not together.

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
