//! The routes, which are decided before anything else.

use crate::http::{Answer, Request};

use super::limiter::Limiter;
use super::service::{MattermostService, Violation};
use super::{hook, rest};

const WEB_APP: &str = "<!DOCTYPE html><html lang=\"en\"><head><title>Mattermost</title></head>\
                       <body><div id=\"root\"></div></body></html>";
const NO_PAGE: &str = "<!DOCTYPE html><html><head><title>Mattermost - Page not found</title></head>\
                       <body>Page not found</body></html>";

pub(super) async fn route(request: Request, service: &MattermostService) -> Answer {
    let admitted = service.state().limiter.as_mut().is_none_or(Limiter::admit);
    let answer = if admitted {
        answer(&request, service).await
    } else {
        Limiter::refusal()
    };
    match &service.state().limiter {
        Some(limiter) => limiter.stamp(answer),
        None => answer,
    }
}

async fn answer(request: &Request, service: &MattermostService) -> Answer {
    if service.state().directory.leaked_in(request.query()) {
        let path = request.path().to_owned();
        service.violations.record(Violation::SecretInQuery(path));
    }
    let Some(path) = request.path().strip_prefix(service.base_path.as_str()) else {
        return Answer::html(404, NO_PAGE);
    };
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method(), segments.as_slice()) {
        ("POST", ["hooks", id]) if is_hook_id(id) => hook::call(id, request, service).await,
        ("GET" | "HEAD", ["" | "hooks", ..]) => Answer::html(200, WEB_APP),
        (_, ["api", "v4", rest @ ..]) => rest::call(rest, request, service).await,
        _ => Answer::html(404, NO_PAGE),
    }
}

/// Returns whether a text matches the router's pattern; anything else is an unknown page.
fn is_hook_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
