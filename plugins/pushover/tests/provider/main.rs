//! The provider with stand-ins of Pushover: settings, deliveries, faults.

mod delivery;
mod faults;
mod live;
mod settings;
mod standin;
