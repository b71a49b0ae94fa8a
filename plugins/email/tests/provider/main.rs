//! The provider against stand-ins: settings, deliveries, faults.

mod delivery;
mod faults;
mod hostile;
mod secrets;
mod settings;
mod support;
