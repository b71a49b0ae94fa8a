//! Signatures against forgers: which key counts for whom, and that no byte can
//! be changed, moved or left out.

use annunciator_protocol::{Datagram, Event, Key, Keyring, Reject, decode};
use secrecy::SecretString;

fn key(id: &str) -> Key {
    let secret = format!("{id} has a secret of its own");
    Key::new(id, &SecretString::from(secret)).unwrap()
}

fn ring(keys: impl IntoIterator<Item = Key>) -> Keyring {
    Keyring::new(keys).unwrap()
}

fn heartbeat(event: Event) -> Datagram {
    Datagram {
        host: "web-01".into(),
        boot: "8c1f".into(),
        counter: 42,
        sent_at_ms: 1_790_000_000_123,
        event,
        interval: None,
        metrics: vec![("cpu_monitor.cpu_percent".into(), 95.2)],
        signed: false,
    }
}

#[test]
fn when_it_is_signed() {
    let (k1, k2) = (key("k1"), key("k2"));
    let signed = heartbeat(Event::Boot).encode(Some(&k1)).unwrap();
    let datagram = decode(&signed, &ring([k1.clone(), k2.clone()])).unwrap();
    assert!(datagram.signed);
    let same = Datagram {
        signed: false,
        ..datagram
    };
    assert_eq!(same, heartbeat(Event::Boot));
    assert_eq!(decode(&signed, &ring([k2])), Err(Reject::UnknownKey));
    assert_eq!(
        decode(&signed, &Keyring::default()),
        Err(Reject::UnknownKey)
    );
}

#[test]
fn when_it_is_signed_with_another_secret() {
    let other = Key::new("k1", &SecretString::from("somebody else's secret")).unwrap();
    let signed = heartbeat(Event::Boot).encode(Some(&other)).unwrap();
    assert_eq!(
        decode(&signed, &ring([key("k1")])),
        Err(Reject::WrongSignature)
    );
}

#[test]
fn when_its_key_is_another_host_s() {
    let signed = heartbeat(Event::Boot).encode(Some(&key("k1"))).unwrap();
    let keys = ring([key("k1").for_hosts(["db-01"])]);
    assert_eq!(decode(&signed, &keys), Err(Reject::UnknownKey));
    let keys = ring([key("k1").for_hosts(["db-01", "web-01"])]);
    assert!(decode(&signed, &keys).is_ok());
}

#[test]
fn when_keys_are_rotated() {
    let (old, new) = (key("2025"), key("2026"));
    let both = ring([old.clone(), new.clone()]);
    for key in [&old, &new] {
        assert!(decode(&heartbeat(Event::Boot).encode(Some(key)).unwrap(), &both).is_ok());
    }
}

#[test]
fn when_it_is_plain_and_keys_are_configured() {
    let plain = |event, keys: &Keyring| decode(&heartbeat(event).encode(None).unwrap(), keys);
    let own = ring([key("k1").for_hosts(["web-01"])]);
    let shared = ring([key("k1")]);
    let other_s = ring([key("k1").for_hosts(["db-01"])]);
    let shutdown = || Event::Shutdown { expected: None };
    assert_eq!(plain(Event::Heartbeat, &own), Err(Reject::Unsigned));
    assert_eq!(plain(Event::Heartbeat, &shared), Err(Reject::Unsigned));
    assert!(plain(Event::Heartbeat, &other_s).is_ok());
    for keys in [own, shared, other_s] {
        assert_eq!(plain(shutdown(), &keys), Err(Reject::UnsignedShutdown));
    }
    assert!(plain(shutdown(), &Keyring::default()).is_ok());
}

#[test]
fn when_any_bit_of_a_signed_datagram_is_flipped() {
    let keys = ring([key("k1"), key("k2")]);
    let signed = heartbeat(Event::Boot).encode(Some(&key("k1"))).unwrap();
    for at in 0..signed.len() * 8 {
        let mut bytes = signed.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(decode(&bytes, &keys).is_err(), "bit {at}");
    }
    for length in 0..signed.len() {
        assert!(decode(&signed[..length], &keys).is_err(), "cut at {length}");
    }
}

#[test]
fn when_the_signature_stands_elsewhere() {
    let keys = ring([key("k1")]);
    let signed = heartbeat(Event::Boot).encode(Some(&key("k1"))).unwrap();
    let signed = String::from_utf8(signed).unwrap();
    assert!(decode(signed.as_bytes(), &keys).is_ok());
    let (content, tail) = signed.split_at(signed.len() - 75);
    let hmac = &tail[..74];
    for datagram in [
        // No signature, a key only; and the other way round.
        format!("{content}}}"),
        signed.replace(",\"key\":\"k1\"", ""),
        // Before others, with another member behind it, twice, nested.
        format!("{{{},{}}}", &hmac[1..], &content[1..]),
        format!("{content}{hmac},\"x\":1}}"),
        format!("{content}{hmac}{tail}"),
        format!("{content},\"x\":{{\"y\":1{tail}}}"),
        // Other spellings of the same.
        format!("{content}{} }}", hmac),
        format!("{content}{hmac}}}\n"),
        format!("{content}{}}}", hmac.replace("hmac", r"\u0068mac")),
        format!(
            "{content},{hmac_upper}}}",
            hmac_upper = hmac[1..].to_uppercase()
        ),
        format!("{content}{}\"}}", &hmac[..72]),
    ] {
        assert_eq!(
            decode(datagram.as_bytes(), &keys),
            Err(Reject::Malformed),
            "{datagram}"
        );
    }
}

#[test]
fn when_a_signature_covers_other_bytes() {
    let keys = ring([key("k1")]);
    let signed = String::from_utf8(heartbeat(Event::Boot).encode(Some(&key("k1"))).unwrap());
    let signed = signed.unwrap();
    for (part, other) in [
        ("42", "43"),
        ("\"n\"", " \"n\""),
        ("95.2", "5.2"),
        ("boot\",\"m", "heartbeat\",\"m"),
    ] {
        let forged = signed.replacen(part, other, 1);
        assert_ne!(forged, signed);
        assert_eq!(
            decode(forged.as_bytes(), &keys),
            Err(Reject::WrongSignature),
            "{forged}"
        );
    }
}
