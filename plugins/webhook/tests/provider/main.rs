//! The provider on a scripted host: settings, deliveries, faults.

mod delivery;
mod faults;
mod settings;
