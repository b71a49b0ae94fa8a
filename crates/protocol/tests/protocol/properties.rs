//! The protocol's decoder and encoder, held to rules on inputs that nobody
//! thought of.

use std::{collections::BTreeMap, time::Duration};

use annunciator_protocol::{Datagram, EncodeError, Event, Key, Keyring, decode};
use annunciator_testkit::effort::rounds;
use compact_str::CompactString;
use proptest::{collection, option, prelude::*};
use secrecy::SecretString;

fn key() -> Key {
    Key::new("k1", &SecretString::from("a secret for properties")).unwrap()
}

fn seconds(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Heartbeat),
        Just(Event::Boot),
        option::of(seconds(0..=30 * 24 * 3_600_000))
            .prop_map(|expected| Event::Shutdown { expected }),
        "[^\\p{C}\\p{Zl}\\p{Zp}]{1,100}".prop_map(Event::Message),
    ]
}

fn metrics() -> impl Strategy<Value = Vec<(CompactString, f64)>> {
    let path = "[a-zA-Z0-9_/\"\\\\äß-]{1,8}(\\.[a-zA-Z0-9_/-]{1,8}){1,2}";
    collection::btree_map(path, prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..20).prop_map(
        |metrics: BTreeMap<String, f64>| {
            let metrics = metrics.into_iter();
            metrics.map(|(path, value)| (path.into(), value)).collect()
        },
    )
}

fn datagram() -> impl Strategy<Value = Datagram> {
    let names = (
        "[a-z\"\\\\äß]([a-z0-9 .-]{0,30}[a-z0-9])?",
        "[A-Za-z0-9_-]{1,64}",
    );
    let numbers = (any::<u64>(), 0..=253_402_300_799_999_i64);
    let rest = (event(), option::of(seconds(100..=86_400_000)), metrics());
    (names, numbers, rest).prop_map(
        |((host, boot), (counter, sent_at_ms), (event, interval, metrics))| Datagram {
            host: host.into(),
            boot: boot.into(),
            counter,
            sent_at_ms,
            event,
            interval,
            metrics,
            signed: false,
        },
    )
}

/// A datagram's bytes; those that are too long for one are none.
fn encoded(datagram: &Datagram, key: Option<&Key>) -> Option<Vec<u8>> {
    match datagram.encode(key) {
        Ok(bytes) => Some(bytes),
        Err(EncodeError::TooLong(_)) => None,
        Err(error) => panic!("{error}: {datagram:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(rounds(200, 2_000)))]

    #[test]
    fn whatever_is_written_is_read(datagram in datagram(), signs in any::<bool>()) {
        let key = signs.then(key);
        let keys = Keyring::new(key.clone()).unwrap();
        if let Some(bytes) = encoded(&datagram, key.as_ref()) {
            let expected = Datagram { signed: signs, ..datagram };
            prop_assert_eq!(decode(&bytes, &keys), Ok(expected));
        }
    }

    #[test]
    fn noise_is_refused(bytes in collection::vec(any::<u8>(), 0..1300)) {
        prop_assert!(decode(&bytes, &Keyring::default()).is_err());
    }

    #[test]
    fn noise_that_looks_like_json_is_refused(
        text in "[{}\\[\\]\":,0-9eE.+\\-nulltruefasv \\\\\u{e4}]{0,200}",
    ) {
        prop_assert!(decode(text.as_bytes(), &Keyring::default()).is_err());
    }

    /// Whatever a mutation leaves sound is written and read as the same again.
    #[test]
    fn a_mutated_datagram_is_refused_or_sound(
        datagram in datagram(),
        changes in collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let Some(mut bytes) = encoded(&datagram, None) else { return Ok(()) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = decode(&bytes, &Keyring::default()) {
            let again = encoded(&read, None);
            prop_assert!(again.is_some_and(|bytes| decode(&bytes, &Keyring::default()) == Ok(read)));
        }
    }

    #[test]
    fn a_mutated_signed_datagram_is_refused(
        datagram in datagram(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        kind in 0..3,
    ) {
        let keys = Keyring::new([key()]).unwrap();
        let Some(signed) = encoded(&datagram, Some(&key())) else { return Ok(()) };
        let mut bytes = signed.clone();
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => { bytes.remove(at); }
        }
        // White space before the object is signed like all else, hence refused.
        prop_assert!(bytes == signed || decode(&bytes, &keys).is_err());
    }
}
