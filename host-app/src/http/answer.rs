//! The answers at `/metrics` and `/healthz`, and the two places where they are given: beside the
//! API, to those who may look, and at `monitor.http`, to whoever asks.

use std::{io, net::SocketAddr, sync::Arc};

use annunciator_monitor::{Monitor, Reloading};
use annunciator_web::{AddressError, Bind, Identity, Limits, Problem, Reader, Server};
use axum::{
    Extension, Router,
    extract::State,
    http::{StatusCode, header},
    middleware::from_extractor,
    response::IntoResponse,
    routing::get,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{health::Health, numbers::Numbers};

/// Prometheus' text format, by the content type that its documentation names:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// An error returned when metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "`/metrics` and `/healthz` cannot be served at {address}: {source}; change `monitor.http`, or omit it"
)]
pub struct HttpError {
    /// The address.
    address: SocketAddr,
    /// The error of the operating system.
    source: io::Error,
}

/// What is read at `/metrics` and `/healthz`.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The collected metrics.
    pub numbers: Numbers,
    /// The running monitor.
    pub monitor: Arc<Monitor>,
    /// What reloads its configuration.
    pub reloading: Arc<Reloading>,
}

/// Returns the routes beside the API. `/metrics` is for those who may look; `/healthz` is for
/// everybody, who learn one word and no reason.
pub fn routes(observed: Observed) -> OpenApiRouter {
    let numbers = OpenApiRouter::new()
        .routes(routes!(metrics))
        .route_layer(from_extractor::<Reader>())
        .with_state(observed.clone());
    let health = OpenApiRouter::new()
        .route("/healthz", get(health))
        .with_state(observed);
    numbers.merge(health)
}

/// Serves `/metrics` and `/healthz`, and nothing else, to whoever asks at this address.
///
/// # Errors
/// Returns [`HttpError`] if the address cannot be bound.
pub async fn serve(address: SocketAddr, observed: Observed) -> Result<Server, HttpError> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(full_health))
        .fallback(async || {
            let hint = "there are /metrics and /healthz\n".to_owned();
            answer(StatusCode::NOT_FOUND, TEXT, hint)
        })
        .method_not_allowed_fallback(async || {
            let hint = "this can only be read\n".to_owned();
            answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, hint)
        })
        .with_state(observed);
    let bind = Bind::new(address).limits(Limits::SCRAPES);
    let server = Server::at_address(bind, router).await;
    let server =
        server.map_err(|AddressError { address, source }| HttpError { address, source })?;
    if let Some(bound) = server.address().filter(|bound| !bound.ip().is_loopback()) {
        tracing::warn!(
            address = %bound,
            "metrics are served beyond this machine, and without asking who reads them: use a firewall or a proxy to restrict that"
        );
    }
    Ok(server)
}

/// All metrics in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "monitor",
    responses(
        (status = 200, body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn metrics(State(observed): State<Observed>) -> impl IntoResponse {
    let Observed {
        numbers,
        monitor,
        reloading,
    } = &observed;
    let numbers = numbers.render(monitor, reloading).await;
    answer(StatusCode::OK, METRICS, numbers)
}

/// Returns the health; the reason only to those who are known.
async fn health(
    State(observed): State<Observed>,
    identity: Option<Extension<Identity>>,
) -> impl IntoResponse {
    let health = Health::of(&observed.monitor);
    match identity {
        Some(_) => show(&health),
        None => show(&health.without_reason()),
    }
}

async fn full_health(State(observed): State<Observed>) -> impl IntoResponse {
    show(&Health::of(&observed.monitor))
}

fn show(health: &Health) -> impl IntoResponse + use<> {
    let status = match health.is_alive() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut body = serde_json::to_string(health).unwrap_or_default();
    body.push('\n');
    answer(status, JSON, body)
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> impl IntoResponse + use<> {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body)
}
