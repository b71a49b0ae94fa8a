//! What a signed link in a message leads to: a page with one button, by which somebody takes an
//! incident over without logging in.
//!
//! A link is followed by programs, too, such as those that search mails for viruses, so that only
//! the button does anything. To press it again makes no difference.

use annunciator::{
    Acknowledge,
    store::{IncidentQuery, MessageText, OpenIncident},
};
use axum::{
    Extension, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{acts::refused, layout::Layout, site::Pages, text::text, time::when};
use crate::{
    acts::Acting,
    extract::Segments,
    identity::LINKS,
    links::{AckLink, LinkRefusal},
    problem::{Problem, Reason},
    scope::Identity,
};

/// Who has taken over by a link, where nobody knows who has it.
const WHOEVER: &str = "somebody with the link";
/// The way by which somebody takes over here, for the record.
const VIA: &str = "a link in a message";
/// How much later than its link an incident may have begun, in milliseconds: the message is made
/// first, and accepted when the disk has it. One that began later is another of the same name.
const MAX_ACCEPTANCE_MS: i64 = 10 * 60_000;

pub(super) fn routes() -> Router<Pages> {
    Router::new().route(&format!("{LINKS}{{link}}"), get(show).post(acknowledge))
}

async fn show(
    State(pages): State<Pages>,
    Segments(link): Segments<String>,
) -> Result<Response, Problem> {
    let link = match read(&pages, &link) {
        Ok(link) => link,
        Err(refusal) => return Ok(refuse(&pages, refusal)),
    };
    let open = open(&pages, &link).await?;
    Ok(answer(&pages, StatusCode::OK, &state(open.as_ref(), true)))
}

async fn acknowledge(
    State(pages): State<Pages>,
    identity: Option<Extension<Identity>>,
    acting: Acting,
    Segments(link): Segments<String>,
) -> Result<Response, Problem> {
    let link = match read(&pages, &link) {
        Ok(link) => link,
        Err(refusal) => {
            // Whoever guesses is not to fill the log.
            acting.is_no_act();
            return Ok(refuse(&pages, refusal));
        }
    };
    acting.about(&*link.incident);
    let by = identity.map(|Extension(identity)| identity.name);
    if by.is_none() {
        acting.by(WHOEVER, None);
    }
    let found = open(&pages, &link).await?;
    if found
        .as_ref()
        .is_some_and(|open| open.acknowledgement.is_none())
    {
        let by = by.unwrap_or_else(|| WHOEVER.to_owned());
        let acknowledge = Acknowledge::incident(&link.incident, by).via(VIA);
        let acknowledged = pages.engine.acknowledge(acknowledge).await;
        acknowledged.map_err(|error| refused(&error))?;
    }
    let open = open(&pages, &link).await?;
    Ok(answer(&pages, StatusCode::OK, &state(open.as_ref(), false)))
}

fn read(pages: &Pages, link: &str) -> Result<AckLink, LinkRefusal> {
    let links = pages.links.as_ref().ok_or(LinkRefusal::Wrong)?;
    links.read(link, Timestamp::now().as_millisecond())
}

/// Returns the incident of a link, if it is still open.
async fn open(pages: &Pages, link: &AckLink) -> Result<Option<OpenIncident>, Problem> {
    let unavailable = |detail: String| Problem::new(Reason::Unavailable, detail);
    let store = pages.engine.store();
    let store = store.ok_or_else(|| unavailable("deliveries are not stored".to_owned()))?;
    let query = IncidentQuery::one(link.incident.clone(), Timestamp::now().as_millisecond());
    let found = store.incidents(query).await;
    let found = found.map_err(|error| unavailable(error.to_string()))?;
    let is_it =
        |open: &OpenIncident| open.since_ms <= link.made_ms.saturating_add(MAX_ACCEPTANCE_MS);
    Ok(found.into_iter().find(is_it))
}

/// What is known of the incident, and the button if there is something to do.
fn state(open: Option<&OpenIncident>, may_act: bool) -> Markup {
    let now_ms = Timestamp::now().as_millisecond();
    let Some(open) = open else {
        return html! {
            h1 { "Nothing to take over" }
            p { "This problem is over." }
        };
    };
    let subject = MessageText::of(&open.content);
    let subject = subject.map_or_else(|| open.incident.clone(), |text| text.subject().to_owned());
    html! {
        h1 { (text(&subject)) }
        @match &open.acknowledgement {
            Some(taken) => p role="status" {
                span.pill.info { "taken over" } " by " b { (text(&taken.by)) } " at " (when(taken.at_ms, now_ms))
            },
            None if may_act => {
                p { "Open since " (when(open.since_ms, now_ms)) "." }
                // To the address of this page, whatever a proxy has before it.
                form method="post" { button.primary { "Acknowledge" } }
                p.hint { "Whoever else was notified learns that somebody has taken over." }
            }
            None => p role="alert" { "This could not be taken over." },
        }
    }
}

/// Says that a link is of no use, and nothing else.
fn refuse(pages: &Pages, refusal: LinkRefusal) -> Response {
    let (status, why) = match refusal {
        LinkRefusal::Wrong => (StatusCode::FORBIDDEN, "This link is not valid."),
        LinkRefusal::Expired => (StatusCode::GONE, "This link has expired."),
    };
    let content = html! {
        h1 { "Nothing to take over" }
        p role="alert" { (why) }
    };
    answer(pages, status, &content)
}

fn answer(pages: &Pages, status: StatusCode, content: &Markup) -> Response {
    let mut page = Layout::alone(
        pages.site.program,
        "Acknowledge",
        html! { section.login { (content) } },
    )
    .into_response();
    *page.status_mut() = status;
    page
}
