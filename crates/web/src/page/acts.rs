//! What the forms of pages do. What a form names is in its address, where any text is escaped.

use annunciator::{Acknowledge, NotifyError};
use axum::{extract::State, response::Redirect};
use serde::Deserialize;

use super::{back::go_back, site::Pages};
use crate::{
    extract::{FormBody, Query},
    identity::Actor,
    problem::{Problem, Reason},
    report,
};

/// The way by which somebody takes over here, for the record.
const VIA: &str = "the page";

/// The incident that an act is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    incident: String,
}

/// What else a form says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ActForm {
    note: String,
    back: Option<String>,
}

/// Returns the problem of an act that the engine refused.
pub(super) fn refused(error: &NotifyError) -> Problem {
    let reason = match report::is_wrong_call(error) {
        true => Reason::Invalid,
        false => Reason::Unavailable,
    };
    Problem::new(reason, error.to_string())
}

/// Takes over an incident.
pub(super) async fn acknowledge(
    State(pages): State<Pages>,
    Actor(identity): Actor,
    Query(named): Query<Named>,
    FormBody(form): FormBody<ActForm>,
) -> Result<Redirect, Problem> {
    let acknowledge = Acknowledge::incident(&named.incident, identity.name);
    let acknowledge = acknowledge.via(VIA).note(form.note);
    let acknowledged = pages.engine.acknowledge(acknowledge).await;
    if acknowledged.map_err(|error| refused(&error))?.is_empty() {
        let detail = "this problem is not open any more";
        return Err(Problem::new(Reason::NotFound, detail));
    }
    Ok(go_back(form.back.as_deref()))
}

/// Gives an incident back, so that people are reminded again. That nobody had it is as well.
pub(super) async fn withdraw(
    State(pages): State<Pages>,
    _: Actor,
    Query(named): Query<Named>,
    FormBody(form): FormBody<ActForm>,
) -> Result<Redirect, Problem> {
    let withdrawn = pages.engine.withdraw_acknowledgement(&named.incident);
    withdrawn.await.map_err(|error| refused(&error))?;
    Ok(go_back(form.back.as_deref()))
}
