//! The provider against stand-ins: settings, deliveries, faults.

mod delivery;
mod examples;
mod faults;
mod place;
mod settings;
