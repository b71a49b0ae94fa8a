//! The style and the script of pages, which are in the program.
//!
//! Their names have a hash of what is in them, so that a browser may keep them for good and still
//! has those of the version that it talks to.

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::identity::ASSETS;

/// How long a browser may keep them: a year, the longest that is usual, since they never change.
/// <https://www.rfc-editor.org/rfc/rfc8246>
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The number of bytes of the hash in a name: enough that no two versions have the same.
const HASH_LENGTH: usize = 8;

/// A file that pages refer to.
#[derive(Debug)]
pub(super) struct Asset {
    /// Its address.
    pub(super) path: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(ending: &str, content_type: &'static str, content: &'static str) -> Self {
        let hash = Sha256::digest(content.as_bytes());
        let hash = HEXLOWER.encode(&hash[..HASH_LENGTH]);
        Self {
            path: format!("{ASSETS}page.{hash}.{ending}"),
            content_type,
            content,
        }
    }

    fn answer(&self) -> Response {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static(self.content_type),
            ),
            (header::CACHE_CONTROL, CACHE_CONTROL),
        ];
        (headers, self.content).into_response()
    }
}

/// The style of all pages.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/page.css");
    Asset::new("css", "text/css; charset=utf-8", content)
});

/// The script of all pages.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/page.js");
    Asset::new("js", "text/javascript; charset=utf-8", content)
});

/// What changes a page in place: the library idiomorph.
pub(super) static MORPH: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/idiomorph.js");
    Asset::new("morph.js", "text/javascript; charset=utf-8", content)
});

/// Returns the routes, which need no identity.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(&STYLE.path, get(|| async { STYLE.answer() }))
        .route(&SCRIPT.path, get(|| async { SCRIPT.answer() }))
        .route(&MORPH.path, get(|| async { MORPH.answer() }))
}
