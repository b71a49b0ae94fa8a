//! Plugins: the files that deliver.

use axum::{Json, extract::State};

use super::shared::Api;
use crate::{
    identity::Reader,
    plugins::{self, PluginList},
    problem::Problem,
};

/// List plugins, with the hashes of their files, and why others are not used.
#[utoipa::path(
    get, path = "/plugins", tag = "channels",
    responses(
        (status = 200, body = PluginList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(State(api): State<Api>, _: Reader) -> Result<Json<PluginList>, Problem> {
    plugins::list(api.engine.catalog()).await.map(Json)
}
