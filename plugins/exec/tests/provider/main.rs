//! The provider with stand-in programs: settings, deliveries, faults.

mod delivery;
mod examples;
mod faults;
mod place;
mod settings;
