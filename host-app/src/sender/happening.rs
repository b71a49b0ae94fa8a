//! The events that the sender's threads report to it.

use std::{io, sync::mpsc::Sender, thread};

use compact_str::CompactString;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use super::addresses::Addresses;

/// An event that happened while the sender waited.
#[derive(Debug)]
pub(super) enum Happening {
    /// A signal asks the sender to end.
    Signal(i32),
    /// A look-up of the monitor's name has ended.
    Resolved(io::Result<Addresses>),
    /// A measurement of the machine has ended.
    Sampled(Vec<(CompactString, f64)>),
}

/// Reports signals that ask this program to end.
pub(super) fn watch_signals(events: Sender<Happening>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let watch = move || {
        for signal in signals.forever() {
            if events.send(Happening::Signal(signal)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)?;
    Ok(())
}
