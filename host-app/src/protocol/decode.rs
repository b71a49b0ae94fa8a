//! From bytes to a datagram: its form, then its signature, then its content.
//!
//! Nothing in it is used before the signature is known to be right, but for
//! what says which key made it.

use std::borrow::Cow;

use super::{
    datagram::{Datagram, Event},
    keyring::Keyring,
    limits::LONGEST_DATAGRAM,
    name,
    reject::Reject,
    signature::Signed,
    wire::Wire,
};

/// Reads a datagram, and checks its signature with the keys that count for its
/// host.
///
/// # Errors
///
/// Why it is not to be taken; no bytes make this panic.
pub fn decode(bytes: &[u8], keys: &Keyring) -> Result<Datagram, Reject> {
    if bytes.is_empty() {
        return Err(Reject::Empty);
    }
    if bytes.len() > LONGEST_DATAGRAM {
        return Err(Reject::TooLong);
    }
    let wire = Wire::read(bytes)?;
    if !name::is_host(&wire.host) {
        return Err(Reject::Name);
    }
    let event = event(&wire)?;
    let signed = match (&wire.key, wire.has_hmac) {
        (Some(id), true) => {
            // A signature that stands elsewhere would cover something else.
            let signed = Signed::split(bytes).ok_or(Reject::Malformed)?;
            keys.admit_signed(&wire.host, id, &signed)?;
            true
        }
        (None, false) => {
            keys.admit_plain(&wire.host, &event)?;
            false
        }
        _ => return Err(Reject::Malformed),
    };
    if !name::is_boot(&wire.boot) {
        return Err(Reject::Name);
    }
    Ok(Datagram {
        host: wire.host.into(),
        boot: wire.boot.into(),
        counter: wire.counter,
        sent_at_ms: wire.sent_at_ms,
        event,
        interval: wire.interval,
        metrics: wire.metrics,
        signed,
    })
}

/// The host that a datagram claims to be from, where it can be read; nothing
/// says that it is true.
#[must_use]
pub fn claimed_host(bytes: &[u8]) -> Option<String> {
    Wire::read(bytes).ok().map(|wire| wire.host.into_owned())
}

/// What it says; members that belong to one event stand with no other.
fn event(wire: &Wire<'_>) -> Result<Event, Reject> {
    let event = match (&*wire.event, &wire.message, wire.down_for) {
        ("heartbeat", None, None) => Event::Heartbeat,
        ("boot", None, None) => Event::Boot,
        ("shutdown", None, expected) => Event::Shutdown { expected },
        ("message", Some(text), None) if name::is_message(text) => {
            Event::Message(Cow::clone(text).into_owned())
        }
        ("message", Some(_), None) => return Err(Reject::Name),
        _ => return Err(Reject::Malformed),
    };
    Ok(event)
}
