//! The options of a group: one field for each of its keys.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::value;
use crate::event::Proof;

/// Channels that are tried one after the other.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in super::super) struct GroupOptions {
    /// The steps: names of channels and groups in the order in which they are tried, such
    /// as `[pager, mail]`.
    #[schemars(with = "Vec<String>", length(min = 1))]
    #[expect(dead_code, reason = "described here, read where the names are known")]
    first_of: Json,

    /// The proof that ends the group: the remote accepted the message, it reached the
    /// device, or a person acknowledged it.
    #[serde(default = "accepted", with = "value")]
    #[schemars(schema_with = "value::schema::<Proof>")]
    pub(in super::super) until: Proof,

    /// How long each step has to give that proof before the next one begins.
    #[serde(default = "two_minutes", with = "value")]
    #[schemars(schema_with = "value::schema::<Duration>", extend("x-annunciator-max" = "1day"))]
    pub(in super::super) step_after: Duration,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            first_of: Json::Null,
            until: accepted(),
            step_after: two_minutes(),
        }
    }
}

/// The default proof, which every remote can give.
fn accepted() -> Proof {
    Proof::Accepted
}

/// The default time: long enough for a message to arrive and for a person to read it.
fn two_minutes() -> Duration {
    Duration::from_secs(120)
}
