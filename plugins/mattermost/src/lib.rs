//! The mattermost channel: posts to a channel of a Mattermost server.
//!
//! The host makes the requests. This crate decides how a notification looks as a post and what an
//! answer means, for an incoming webhook and for a bot, whose messages of one incident form a
//! thread, and whose posts people acknowledge by a reaction or a reply.

mod address;
mod api;
mod bot;
mod config;
mod mentions;
mod message;
mod outcome;
mod provider;
mod reader;
mod signs;
mod style;
mod threads;
mod validation;
mod watch;
mod webhook;

pub use config::Config;
pub use provider::Mattermost;
pub use style::{Colors, Mentions, MessagePriority, Priorities, Scheme};

annunciator_sdk::export_channels!(Mattermost);
