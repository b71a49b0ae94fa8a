//! Routes a request by its path and method; everything else in it is ignored.

use annunciator_monitor::{Monitor, Reloading};
use http_body_util::Full;
use hyper::{
    Method, Response, StatusCode,
    body::Bytes,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};

use super::{health::Health, numbers::Numbers};

/// Prometheus' text format, by the content type that its documentation names:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Returns the answer to a request for this path.
pub(super) async fn answer(
    method: &Method,
    path: &str,
    numbers: &Numbers,
    monitor: &Monitor,
    reloading: &Reloading,
) -> Response<Full<Bytes>> {
    if !matches!(path, "/metrics" | "/healthz") {
        let hint = "there are /metrics and /healthz\n".to_owned();
        return response(StatusCode::NOT_FOUND, TEXT, hint);
    }
    // hyper removes the body of an answer to HEAD.
    if !matches!(*method, Method::GET | Method::HEAD) {
        let hint = "this can only be read\n".to_owned();
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, hint);
        let methods = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, methods);
        return refused;
    }
    if path == "/metrics" {
        let numbers = numbers.render(monitor, reloading).await;
        return response(StatusCode::OK, METRICS, numbers);
    }
    let health = Health::of(monitor);
    let status = if health.is_alive() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut body = serde_json::to_string(&health).unwrap_or_default();
    body.push('\n');
    response(status, JSON, body)
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
