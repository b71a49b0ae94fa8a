//! A stand-in of a Mattermost server: incoming webhooks, and the part of the REST API v4 that a
//! bot needs to post and to see who reacts or replies.
//!
//! It checks a webhook in the order of the real handler and answers with its statuses, splits
//! long text, and applies `username` and `icon_url` only if the server's override settings are
//! on. The [`Builder`] has the other settings of a server: older error IDs, webhooks disabled, a
//! rate limit, a locked hook.

mod directory;
mod hook;
mod limiter;
mod payload;
mod post;
mod reading;
mod refusal;
mod rest;
mod routes;
mod service;
mod text;

pub use post::{Post, Reaction};
pub use refusal::ErrorStyle;
pub use service::{Builder, Mattermost, Violation};

/// The ID of the webhook of a new stand-in, which belongs to [`CHANNEL`].
pub const HOOK: &str = "w7ri5ybhrbfsmqhkhbc7n8hf1y";

/// The token of the bot of a new stand-in.
pub const BOT_TOKEN: &str = "b0tk3nq8x3gt8pdgzgsyorb7ye";

/// The name of the bot's account.
pub const BOT: &str = "annunciator";

/// The team of a new stand-in.
pub const TEAM: &str = "ops";

/// The channel of [`HOOK`]; the bot and the hook's creator are members.
pub const CHANNEL: &str = "devops-alerts";
