//! What the pages of one program share, and what the embedding program adds to them.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use annunciator::{Engine, store::IncidentQuery};
use axum::{
    Router,
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use maud::Markup;

use super::layout::{Layout, NavLink};
use crate::{
    acts::Acts,
    identity::{Access, Reader},
    links::AckLinks,
    problem::{Problem, Reason},
    scope::{Identity, Scope},
};

/// Where acts are listed, for those who may act.
pub(super) const DONE: &str = "/acts";
/// Where one incident is shown: its name stands behind it.
pub(super) const INCIDENTS: &str = "/incidents/";
/// The maximum number of incidents that are counted and sorted.
pub(super) const MAX_INCIDENTS: u32 = 10_000;

/// A number on the first page, such as how many hosts are up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The number.
    pub count: usize,
    /// What is counted, after the number: `up`.
    pub label: &'static str,
    /// Where those that are counted are listed.
    pub path: String,
}

/// What the embedding program adds to the first page.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Further counters.
    pub counters: Vec<Counter>,
    /// Sections below the incidents.
    pub sections: Vec<Markup>,
}

/// Returns what is added to the first page at this moment.
pub type AddToPage = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Additions> + Send>> + Send + Sync>;

/// The embedding program's part of the pages.
///
/// Handlers of its own pages take a [`Frame`], and show what is on the page by it.
#[derive(Clone)]
#[must_use]
pub struct Site {
    pub(super) program: &'static str,
    /// How its users silence a host: the address before the host's name. None if they cannot.
    pub(super) host_path: Option<&'static str>,
    /// Where the file is compared with the configuration in force. None if it is not.
    pub(super) file_path: Option<&'static str>,
    nav: Vec<NavLink>,
    routes: Router,
    additions: Option<AddToPage>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl Site {
    /// Creates the pages of a program of this name, such as `hbd`.
    pub fn new(program: &'static str) -> Self {
        let link = |path, label| NavLink { path, label };
        Self {
            program,
            host_path: None,
            file_path: None,
            nav: vec![
                link("/", "Now"),
                link("/deliveries", "Deliveries"),
                link("/channels", "Channels"),
                link("/configuration", "Configuration"),
                link(DONE, "Acts"),
            ],
            routes: Router::new(),
            additions: None,
        }
    }

    /// Adds pages, of which the links lead to some.
    pub fn pages(mut self, links: impl IntoIterator<Item = NavLink>, routes: Router) -> Self {
        self.nav.splice(1..1, links);
        self.routes = self.routes.merge(routes);
        self
    }

    /// Adds counters and sections to the first page.
    pub fn additions(mut self, additions: AddToPage) -> Self {
        self.additions = Some(additions);
        self
    }

    /// Sets where a host's own page is: the path before its name, such as `/hosts/`.
    pub fn host_path(mut self, path: &'static str) -> Self {
        self.host_path = Some(path);
        self
    }

    /// Sets where a page compares the file with the configuration in force, such as
    /// `/configuration/file`.
    pub fn file_path(mut self, path: &'static str) -> Self {
        self.file_path = Some(path);
        self
    }

    /// Returns the program's name.
    pub(crate) fn program(&self) -> &'static str {
        self.program
    }

    pub(super) fn routes(&self) -> Router {
        self.routes.clone()
    }

    pub(super) async fn added(&self) -> Additions {
        match &self.additions {
            Some(additions) => additions().await,
            None => Additions::default(),
        }
    }
}

/// What the handlers of pages share.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(super) engine: Engine,
    pub(super) access: Access,
    pub(super) acts: Acts,
    /// The links by which incidents are taken over, if there are any.
    pub(super) links: Option<Arc<AckLinks>>,
    pub(super) site: Arc<Site>,
}

impl Pages {
    /// Returns how many open incidents nobody has taken over.
    async fn needs(&self) -> usize {
        let Some(store) = self.engine.store() else {
            return 0;
        };
        let query = IncidentQuery {
            now_ms: Timestamp::now().as_millisecond(),
            limit: MAX_INCIDENTS,
            ..IncidentQuery::default()
        };
        let open = store.incidents(query).await.unwrap_or_default();
        let open = open.iter();
        open.filter(|open| open.acknowledgement.is_none()).count()
    }
}

/// The frame of a page: whoever looks, and the way around.
#[derive(Debug, Clone)]
pub struct Frame {
    identity: Identity,
    pub(super) pages: Pages,
}

impl Frame {
    /// Returns who looks.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns whether whoever looks may act.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.identity.scope == Scope::Act
    }

    /// Returns the address of a host's own page, if there is one.
    #[must_use]
    pub fn host_address(&self, host: &str) -> Option<String> {
        let path = self.pages.site.host_path.filter(|_| !host.is_empty())?;
        Some(format!("{path}{}", super::text::part(host)))
    }

    /// Answers a page. `current` is the path of the link that leads to it.
    pub async fn show(&self, title: &str, current: &str, content: Markup) -> Response {
        let needs = self.pages.needs().await;
        self.show_with(title, current, needs, false, content)
    }

    pub(super) fn show_with(
        &self,
        title: &str,
        current: &str,
        needs: usize,
        reloads: bool,
        content: Markup,
    ) -> Response {
        let site = &self.pages.site;
        // Nobody is led to what they may not see.
        let nav = site
            .nav
            .iter()
            .filter(|link| self.may_act() || link.path != DONE);
        let nav: Vec<NavLink> = nav.cloned().collect();
        Layout {
            program: site.program,
            title,
            current,
            nav: &nav,
            identity: Some(&self.identity),
            needs,
            reloads,
            content,
        }
        .into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Frame {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Reader(identity) = Reader::from_request_parts(parts, state).await?;
        let pages = parts.extensions.get::<Pages>().cloned();
        let pages = pages.ok_or_else(|| Problem::new(Reason::NotFound, "there are no pages"))?;
        Ok(Self { identity, pages })
    }
}
