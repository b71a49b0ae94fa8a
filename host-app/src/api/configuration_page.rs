//! The page that compares the configuration file with what is in force, and reloads it.

use std::sync::Arc;

use annunciator::{Config, Level, LoadError, Problems};
use annunciator_monitor::{ReloadError, Reloaded};
use annunciator_web::{
    Actor, FormBody, NoFields, Problem,
    page::{Frame, lines, text},
};
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use maud::{Markup, html};

use super::routes::{Subject, put_into_force};
use crate::snippet::snippet;

/// Where it is.
pub(super) const PATH: &str = "/configuration/file";
/// The page that leads to it.
const PARENT: &str = "/configuration";

pub(super) fn routes() -> Router<Arc<Subject>> {
    Router::new()
        .route(PATH, get(show))
        .route("/configuration/reload", post(reload))
}

async fn show(State(subject): State<Arc<Subject>>, frame: Frame) -> Response {
    answer(&subject, &frame, None).await
}

async fn reload(
    State(subject): State<Arc<Subject>>,
    _: Actor,
    frame: Frame,
    FormBody(NoFields {}): FormBody<NoFields>,
) -> Result<Response, Problem> {
    let reloaded = put_into_force(Arc::clone(&subject)).await?;
    Ok(answer(&subject, &frame, Some(&reloaded)).await)
}

async fn answer(subject: &Subject, frame: &Frame, reloaded: Option<&Reloaded>) -> Response {
    let checked = subject.reloading.check(&subject.monitor).await;
    let file = subject.monitor.engine().file().display().to_string();
    let content = html! {
        h1 { "Configuration file" }
        p { code { (text(&file)) } }
        @if let Some(reloaded) = reloaded { div role="status" { (what_changed(reloaded)) } }
        (verdict(&subject.monitor.engine().config(), &checked))
        div.acts {
            @if frame.may_act() {
                form method="post" action="/configuration/reload" { button.primary { "Reload it" } }
            }
            a.button href=(PARENT) { "What is in force" }
        }
        @match &checked {
            Ok((_, warnings)) => (each(warnings)),
            Err(ReloadError::Config(LoadError::Problems(problems))) => (each(problems)),
            Err(_) => {},
        }
    };
    frame.show("Configuration file", PARENT, content).await
}

/// Says whether the file is what is in force, or could be.
fn verdict(in_force: &Config, checked: &Result<(Config, Problems), ReloadError>) -> Markup {
    match checked {
        Ok((config, _)) if config.has_same_text(in_force) => html! {
            p { span.pill.ok { "in force" } " The file has not changed since it was read." }
        },
        Ok(_) => html! {
            p {
                span.pill.warn { "changed" }
                " The file has changed since it was read, and what was read then is in force. It could be reloaded."
            }
        },
        Err(ReloadError::Config(LoadError::Problems(problems))) => html! {
            p role="alert" {
                span.pill.crit { "would be rejected" }
                " A reload of the file as it is now would change nothing: it has "
                @match problems.count(Level::Error) { 1 => "an error", many => { (many) " errors" } }
                ", and a restart would fail."
            }
        },
        Err(error) => html! {
            p role="alert" { span.pill.crit { "would be rejected" } " " (text(&error.to_string())) }
        },
    }
}

/// Shows the problems with the lines that they are about.
fn each(problems: &Problems) -> Markup {
    html! {
        @if !problems.is_empty() { h2 { "Problems" } }
        @for problem in problems.iter() {
            // Marks stand below what they mark, so that the lines must not be wrapped.
            pre.snippet tabindex="0" { (lines(&snippet(problems, problem, false))) }
        }
        @if problems.left_out() > 0 { p { "There are " (problems.left_out()) " more." } }
    }
}

fn what_changed(reloaded: &Reloaded) -> Markup {
    let channels = &reloaded.channels;
    html! {
        p {
            span.pill.ok { "reloaded" } " "
            (channels.kept.len()) " channels kept, " (channels.opened.len()) " opened, "
            (channels.closed.len()) " closed."
        }
        @if !channels.disabled.is_empty() {
            p { "Disabled, and deliveries to them wait: " (text(&channels.disabled.join(", "))) "." }
        }
        @for key in &reloaded.after_restart {
            p { code { (text(key)) } " changed, which takes effect after a restart." }
        }
    }
}
