//! Reads a datagram from bytes: the form, then the signature, then the content.
//!
//! Before the signature has been verified, only the host's name and the key's id are used.

use std::borrow::Cow;

use crate::{
    datagram::{Datagram, Event},
    keyring::Keyring,
    limits::MAX_DATAGRAM_BYTES,
    name,
    reject::Reject,
    signature::Signed,
    wire::Wire,
};

/// Reads a datagram from the payload of a UDP packet and verifies its signature.
///
/// `keys` decides which hosts must sign and with which keys; an empty keyring
/// accepts unsigned datagrams only.
///
/// # Errors
///
/// Returns the first reason to refuse the datagram. No input makes it panic, and
/// its time and memory are bounded by the datagram's length.
pub fn decode(bytes: &[u8], keys: &Keyring) -> Result<Datagram, Reject> {
    if bytes.is_empty() {
        return Err(Reject::Empty);
    }
    if bytes.len() > MAX_DATAGRAM_BYTES {
        return Err(Reject::TooLong);
    }
    let wire = Wire::read(bytes)?;
    if !name::is_host(&wire.host) {
        return Err(Reject::Name);
    }
    let event = event(&wire)?;
    let signed = match (&wire.key, wire.has_hmac) {
        (Some(id), true) => {
            // A signature elsewhere would cover other bytes.
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

/// Returns the host that a datagram claims to come from, if the datagram can be
/// parsed. The claim is not verified.
#[must_use]
pub fn claimed_host(bytes: &[u8]) -> Option<String> {
    Wire::read(bytes).ok().map(|wire| wire.host.into_owned())
}

/// Reads the event; refuses members that belong to another event.
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
