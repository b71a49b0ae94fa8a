//! Tokens, which users of this machine manage.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shared::{Api, unavailable};
use crate::{
    acts::Acting,
    extract::{JsonBody, Segments},
    identity::Administrator,
    problem::{Problem, Reason},
    scope::Scope,
    tokens::{TokenError, TokenRecord, Tokens},
};

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// The name of the program or the person that is to have it.
    pub name: String,
    /// What it permits: `read`, `act`, or `ingest:` and the name of a source.
    #[schema(value_type = String)]
    pub scope: Scope,
}

/// A token that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// The token, which cannot be shown again.
    pub token: String,
}

/// All tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// By name.
    pub tokens: Vec<TokenRecord>,
}

/// Whether a token was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedToken {
    /// Whether there was one of that name.
    pub removed: bool,
}

fn tokens(api: &Api) -> Result<&Arc<Tokens>, Problem> {
    api.tokens.as_ref().ok_or_else(|| {
        let detail = format!("{} has no file to keep tokens in", api.program);
        Problem::new(Reason::Unavailable, detail)
    })
}

/// Make a token.
#[utoipa::path(
    post, path = "/tokens", tag = "tokens", request_body = TokenBody,
    responses(
        (status = 200, body = MadeToken),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn add(
    State(api): State<Api>,
    _: Administrator,
    acting: Acting,
    JsonBody(body): JsonBody<TokenBody>,
) -> Result<Json<MadeToken>, Problem> {
    acting.about(format!("{} ({})", body.name, body.scope));
    let now_ms = Timestamp::now().as_millisecond();
    let made = tokens(&api)?.add(&body.name, body.scope, now_ms).await;
    let token = made.map_err(|error| match error {
        TokenError::Name | TokenError::Exists(_) => {
            let detail = error.to_string();
            Problem::new(Reason::Invalid, detail.clone()).at("/name", detail)
        }
        TokenError::Random(_) | TokenError::Store(_) => {
            Problem::new(Reason::Unavailable, error.to_string())
        }
    })?;
    Ok(Json(MadeToken { token }))
}

/// List tokens, without what they are.
#[utoipa::path(
    get, path = "/tokens", tag = "tokens",
    responses(
        (status = 200, body = TokenList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    _: Administrator,
) -> Result<Json<TokenList>, Problem> {
    let tokens = tokens(&api)?.list().await;
    let tokens = tokens.map_err(|error| unavailable(&error))?;
    Ok(Json(TokenList { tokens }))
}

/// Remove a token.
#[utoipa::path(
    delete, path = "/tokens/{name}", tag = "tokens",
    params(("name" = String, Path, description = "The name of the token")),
    responses(
        (status = 200, body = RemovedToken),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segments(name): Segments<String>,
) -> Result<Json<RemovedToken>, Problem> {
    let removed = tokens(&api)?.remove(&name).await;
    let removed = removed.map_err(|error| unavailable(&error))?;
    Ok(Json(RemovedToken { removed }))
}
