//! How a browser logs in with a token, and out.
//!
//! No form has a token against forgery of its own: what changes something is refused if a browser
//! says by `Sec-Fetch-Site` or `Origin` that another site's page has sent it, which all browsers
//! of today do, and the cookie is `SameSite=Strict`, so that such a request would be nobody's.

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::html;
use serde::Deserialize;

use super::{back::own_path, layout::Layout, site::Pages};
use crate::{
    acts::Acting,
    cookie::{self, Way},
    extract::{FormBody, Query},
    identity::LOGIN,
    problem::{Problem, Reason},
    scope::{Client, Identity},
};

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route(LOGIN, get(form).post(log_in))
        .route("/logout", post(log_out))
}

/// Where somebody returns to.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Next {
    next: Option<String>,
}

/// What the form sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    token: String,
    #[serde(default)]
    next: Option<String>,
}

async fn form(
    State(pages): State<Pages>,
    identity: Option<Extension<Identity>>,
    Query(asked): Query<Next>,
) -> Response {
    let next = own_path(asked.next.as_deref());
    if identity.is_some() {
        return Redirect::to(next).into_response();
    }
    show(&pages, next, None)
}

fn show(pages: &Pages, next: &str, problem: Option<&Problem>) -> Response {
    let content = html! {
        section.login {
            h1 { "Log in to " (pages.site.program) }
            @if let Some(problem) = problem {
                p.problem role="alert" { (problem.detail) }
            }
            form method="post" action=(LOGIN) {
                label for="token" { "Token" }
                input #token type="password" name="token" required autofocus
                    autocomplete="current-password" spellcheck="false";
                input type="hidden" name="next" value=(next);
                button.primary { "Log in" }
            }
            p.hint { "Tokens are made on the server: " code { (pages.site.program) " token add NAME --scope act" } "." }
            // After a link on another site, a browser keeps the cookie back until the next step.
            p.hint { a href=(next) { "Already logged in? Go on." } }
        }
    };
    let mut response = Layout::alone(pages.site.program, "Log in", content).into_response();
    if let Some(problem) = problem {
        let status = StatusCode::from_u16(problem.status);
        *response.status_mut() = status.unwrap_or(StatusCode::BAD_REQUEST);
    }
    response
}

async fn log_in(
    State(pages): State<Pages>,
    Extension(client): Extension<Client>,
    acting: Acting,
    headers: HeaderMap,
    FormBody(form): FormBody<LoginForm>,
) -> Response {
    let next = own_path(form.next.as_deref());
    let way = Way::of(&headers, client.is_encrypted);
    if way == Way::Plain {
        let detail = "log in through a proxy with TLS, or at a loopback address: over plain HTTP, everybody on the way could read the token";
        return show(&pages, next, Some(&Problem::new(Reason::Forbidden, detail)));
    }
    let ip = client.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    match pages.access.log_in(ip, form.token.trim()).await {
        Ok((identity, secret)) => {
            acting.by(identity.name, Some(identity.credential));
            go(next, &cookie::set(way, Some(&secret)))
        }
        Err(problem) => show(&pages, next, Some(&problem)),
    }
}

async fn log_out(
    State(pages): State<Pages>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    pages.access.log_out(&headers).await?;
    let way = Way::of(&headers, client.is_encrypted);
    Ok(go(LOGIN, &cookie::set(way, None)))
}

fn go(path: &str, cookie: &str) -> Response {
    let mut response = Redirect::to(path).into_response();
    // What the cookie has in it is always text of a header.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
