//! A stand-in of a Mattermost server: incoming webhooks and the part of the
//! REST API v4 that a bot needs to post.
//!
//! Checks a webhook in the order of the real handler and answers with its
//! statuses; splits long text; applies `username` and `icon_url` only when the
//! server's override settings are on. How a server can be set up otherwise is
//! the [`Builder`]'s to say: older error ids, webhooks disabled, a rate limit,
//! a locked hook.

mod directory;
mod hook;
mod limiter;
mod payload;
mod post;
mod refusal;
mod rest;
mod routes;
mod service;
mod text;

pub use post::Post;
pub use refusal::ErrorStyle;
pub use service::{Builder, Mattermost, Violation};

/// The id of the webhook that a new stand-in knows; it belongs to [`CHANNEL`].
pub const HOOK: &str = "w7ri5ybhrbfsmqhkhbc7n8hf1y";

/// The token of the bot that a new stand-in knows.
pub const BOT_TOKEN: &str = "b0tk3nq8x3gt8pdgzgsyorb7ye";

/// The team of a new stand-in.
pub const TEAM: &str = "ops";

/// The channel of [`HOOK`]; bot and hook's creator are members.
pub const CHANNEL: &str = "devops-alerts";
