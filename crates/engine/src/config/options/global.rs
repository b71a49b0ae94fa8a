//! What concerns deliveries and no single channel: the keys that the `delivery:` at
//! the top of the file has besides those of channels.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{store_place::StorePlace, value};

/// What concerns deliveries and no single channel: the `delivery:` at the top of
/// the file, besides the options of channels.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeliveryConfig {
    /// Where deliveries are kept until they end: the absolute path of a file,
    /// `:memory:`, or `none` for one attempt each. Where nothing is written, the
    /// embedding program's choice holds, else memory. It is read at the start, not when
    /// the configuration is reloaded.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<StorePlace>", extend("x-annunciator-file" = "create"))]
    pub store: StorePlace,

    /// How much is kept of what has ended.
    pub keep: Keep,

    /// How long a call that wants the outcome waits for it.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "1h"))]
    pub wait: Duration,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            store: StorePlace::Unsaid,
            keep: Keep::default(),
            // As long as one attempt may take.
            wait: Duration::from_secs(30),
        }
    }
}

/// How much is kept of what has ended. What has not ended is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Keep {
    /// What is older and has ended is deleted.
    // Ten years: whoever wants more copies the file.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "3650days"))]
    pub age: Duration,

    /// What is beyond so many of the newest notifications, and has ended, is deleted.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub notifications: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            // Much longer than anything may still be delivered, so that its
            // end can be looked at.
            age: Duration::from_secs(90 * 24 * 3600),
            // Some gigabytes of usual ones.
            notifications: 10_000_000,
        }
    }
}
