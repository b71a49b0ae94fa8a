//! The signal channel.
