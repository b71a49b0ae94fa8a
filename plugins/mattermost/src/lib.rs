//! The mattermost channel.
