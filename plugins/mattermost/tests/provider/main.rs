//! The provider against stand-ins: settings, deliveries, faults.

mod delivery;
mod faults;
mod live;
mod settings;
mod standin;
mod threads;
