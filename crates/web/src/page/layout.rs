//! What all pages have in common: the head, the way around, and the headers of the answer.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{
    assets::{MORPH, SCRIPT, STYLE},
    text::{plain, text},
};
use crate::scope::{Credential, Identity, Scope};

/// What a page may load and do: nothing but what this server has, and no script or style in the
/// page itself. An icon is in its link.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);
/// Without scripts, pages that show the present are loaded again after so many seconds.
const RELOAD_SECONDS: u32 = 30;

/// A link in the head of every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavLink {
    /// Where it leads, such as `/hosts`.
    pub path: &'static str,
    /// What it is called.
    pub label: &'static str,
}

/// A page.
#[derive(Debug, Clone)]
pub(super) struct Layout<'a> {
    /// The name of the embedding program, such as `hbd`.
    pub(super) program: &'a str,
    /// The page's title.
    pub(super) title: &'a str,
    /// The path of the link that leads here; empty for none.
    pub(super) current: &'a str,
    /// The way around; empty for whoever has not logged in.
    pub(super) nav: &'a [NavLink],
    /// Who looks.
    pub(super) identity: Option<&'a Identity>,
    /// How many incidents need somebody.
    pub(super) needs: usize,
    /// Whether it is loaded again without scripts, since it has no form to fill in.
    pub(super) reloads: bool,
    /// What is on it.
    pub(super) content: Markup,
}

impl<'a> Layout<'a> {
    /// A page for whoever has not logged in: nothing leads to others.
    pub(super) fn alone(program: &'a str, title: &'a str, content: Markup) -> Self {
        Self {
            program,
            title,
            current: "",
            nav: &[],
            identity: None,
            needs: 0,
            reloads: false,
            content,
        }
    }

    fn markup(&self) -> Markup {
        let count = match self.needs {
            0 => String::new(),
            needs => format!("({needs}) "),
        };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (count) (plain(self.title)) " · " (self.program) }
                    link rel="icon" href=(icon(self.needs));
                    link rel="stylesheet" href=(STYLE.path);
                    @if self.identity.is_some() { script src=(MORPH.path) defer {} }
                    script src=(SCRIPT.path) defer {}
                    @if self.reloads {
                        noscript { meta http-equiv="refresh" content=(RELOAD_SECONDS); }
                    }
                }
                body {
                    a.skip href="#content" { "To the content" }
                    header {
                        b { (self.program) }
                        nav aria-label="Main" {
                            @for link in self.nav {
                                a href=(link.path) aria-current=[(link.path == self.current).then_some("page")] {
                                    (link.label)
                                }
                            }
                        }
                        @if let Some(identity) = self.identity { (whoever(identity)) }
                    }
                    p #stale role="status" hidden { "Nothing is heard of the server: what is shown may be old." }
                    main #content data-live=[self.identity.map(|_| "")] { (self.content) }
                    footer {
                        p { kbd { "?" } " shows the keys" }
                    }
                    (keys())
                }
            }
        }
    }
}

/// Who looks, and how they leave.
fn whoever(identity: &Identity) -> Markup {
    html! {
        span.who {
            (text(&identity.name))
            @if identity.scope == Scope::Read { " (may look)" }
        }
        @if identity.credential == Credential::Session {
            form method="post" action="/logout" { button { "Log out" } }
        }
    }
}

/// The keys, which the script shows.
fn keys() -> Markup {
    let keys = [
        ("j / k", "next, previous"),
        ("Enter", "open"),
        ("a", "take over"),
        ("s", "silence"),
        ("/", "filter"),
        ("g n", "now"),
        ("g h", "hosts"),
        ("g d", "deliveries"),
        ("g c", "channels"),
        ("?", "these keys"),
    ];
    html! {
        dialog #keys aria-label="Keys" {
            h2 { "Keys" }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// Returns an icon with a number in it, as a link.
fn icon(needs: usize) -> String {
    let (color, number) = match needs {
        0 => ("1a7f37", "✓".to_owned()),
        1..=99 => ("b42318", needs.to_string()),
        _ => ("b42318", "99+".to_owned()),
    };
    let size = if number.len() > 2 { 16 } else { 20 };
    let image = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>\
         <rect width='32' height='32' rx='7' fill='#{color}'/>\
         <text x='16' y='23' font-family='sans-serif' font-weight='bold' font-size='{size}' \
         text-anchor='middle' fill='#fff'>{number}</text></svg>"
    );
    format!("data:image/svg+xml,{}", super::text::part(&image))
}

impl IntoResponse for Layout<'_> {
    fn into_response(self) -> Response {
        let headers: [(HeaderName, HeaderValue); 2] = [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            // With `no-referrer`, browsers send `Origin: null` with forms, and the check of the
            // origin could not tell them from those of another site.
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("same-origin"),
            ),
        ];
        (StatusCode::OK, headers, self.markup()).into_response()
    }
}
