//! The provider with stand-ins of Mattermost: settings, deliveries, faults.

mod acknowledging;
mod delivery;
mod faults;
mod live;
mod settings;
mod standin;
mod threads;
