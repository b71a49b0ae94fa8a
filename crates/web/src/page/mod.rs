//! Pages for browsers, which the server renders: they work without scripts, ask no other server
//! for anything, and are escaped by the template.
//!
//! A program that embeds the engine adds pages of its own by [`Site`]. Their handlers take a
//! [`Frame`], and show texts of others by [`text`] or [`lines`].

mod acts;
mod assets;
mod back;
mod channels;
mod configuration;
mod deliveries;
mod done;
mod incident;
mod incidents;
mod layout;
mod link;
mod login;
mod now;
mod plan;
mod refusal;
mod site;
mod text;
mod time;

use std::sync::Arc;

use annunciator::Engine;
use axum::{Extension, Router};

pub use layout::NavLink;
pub use maud::Markup;
pub use plan::PlanForm;
pub(crate) use refusal::show_refusals;
use site::Pages;
pub use site::{AddToPage, Additions, Counter, Frame, Site};
pub use text::{lines, part, plain, text};
pub use time::{clock, countdown, length, when};

use crate::{acts::Acts, identity::Access, links::AckLinks};

/// Returns the routes of all pages.
pub(crate) fn routes(
    engine: Engine,
    access: Access,
    acts: Acts,
    links: Option<Arc<AckLinks>>,
    site: Site,
) -> Router {
    let more = site.routes();
    let pages = Pages {
        engine,
        access,
        acts,
        links,
        site: Arc::new(site),
    };
    Router::new()
        .merge(now::routes())
        .merge(deliveries::routes())
        .merge(channels::routes())
        .merge(incident::routes())
        .merge(configuration::routes())
        .merge(done::routes())
        .merge(link::routes())
        .merge(login::routes())
        .merge(assets::routes())
        .with_state(pages.clone())
        .merge(more)
        .layer(Extension(pages))
}
