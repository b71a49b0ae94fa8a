//! The delivery options that apply to no single channel: the keys that the `delivery:` at the top
//! of the file has in addition to those of channels.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{store_place::StorePlace, value};

/// The delivery options that concern no single channel: those of the `delivery:` at the
/// top of the file that channels don't have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeliveryConfig {
    /// Where deliveries are stored: the absolute path of a file, `:memory:`, or `none` for
    /// one attempt each. The default is the embedding program's choice, otherwise memory.
    /// A change takes effect at the next start, not on a reload.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<StorePlace>", extend("x-annunciator-file" = "create"))]
    pub store: StorePlace,

    /// How long deliveries that have ended are kept.
    pub keep: Retention,

    /// How long a call that waits for the outcome waits at most.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "1h"))]
    pub wait: Duration,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            store: StorePlace::Unset,
            keep: Retention::default(),
            // The maximum time of one attempt.
            wait: Duration::from_secs(30),
        }
    }
}

/// How long deliveries that have ended are kept. Those that have not are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Retention {
    /// The maximum age of a delivery that has ended; older ones are deleted.
    // The maximum is ten years; who needs more can copy the file.
    #[serde(with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "3650days"))]
    pub age: Duration,

    /// How many of the newest notifications are kept; older ones that have ended are
    /// deleted.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub notifications: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            // Much longer than any delivery may take, so that people can still look at its end.
            age: Duration::from_secs(90 * 24 * 3600),
            // Some gigabytes of usual notifications.
            notifications: 10_000_000,
        }
    }
}
