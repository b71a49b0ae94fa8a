//! The pushover channel.
