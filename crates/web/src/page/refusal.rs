//! Shows people as a page what is refused.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use maud::html;

use super::{layout::Layout, text::text};
use crate::{identity::asks_for_page, problem::Problem};

/// Turns problem details into a page for whoever asked for a page.
pub(crate) async fn show_refusals(program: &'static str, request: Request, next: Next) -> Response {
    let is_for_people = asks_for_page(&request);
    let response = next.run(request).await;
    if !is_for_people {
        return response;
    }
    let Some(problem) = response.extensions().get::<Problem>() else {
        return response;
    };
    let content = html! {
        section.login {
            h1 { (problem.title) }
            p.problem role="alert" { (text(&problem.detail)) }
            p { a href="/" { "Back to what is open now" } }
        }
    };
    let mut page = Layout::alone(program, &problem.title, content).into_response();
    *page.status_mut() = response.status();
    page
}
