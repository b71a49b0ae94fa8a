//! The provider against stand-ins: settings, deliveries, faults.

mod acknowledging;
mod delivery;
mod faults;
mod refused;
mod settings;
mod support;
