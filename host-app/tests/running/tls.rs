//! The API through TLS, with a certificate that is replaced while the monitor runs.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};

use rustix::process::Signal;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};

use crate::{
    monitor::{CALM, Home, Monitor, PATIENCE, wait_for, yaml},
    web::{address, token},
};

/// A monitor's home with a certificate for localhost.
fn home() -> Home {
    let web = "web:
  listen: '127.0.0.1:0'
  tls: {cert: HOME/cert.pem, key: HOME/key.pem}
";
    let home = Home::with(&format!("{}{web}", yaml(CALM)));
    certify(&home);
    home
}

/// Writes another certificate and its key, and returns the former.
fn certify(home: &Home) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(home.path("cert.pem"), made.cert.pem()).unwrap();
    fs::write(home.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.pem()
}

/// Sends a request through TLS, and returns the answer. `trusted` is the certificate in PEM that
/// the server has to have.
fn request(
    address: &str,
    trusted: &str,
    versions: &[&'static SupportedProtocolVersion],
    text: &str,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Whether the server has this certificate.
fn has(address: &str, certificate: &str) -> bool {
    let answer = request(address, certificate, &[&TLS13], HEALTH);
    answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn cert(home: &Home) -> String {
    fs::read_to_string(home.path("cert.pem")).unwrap()
}

fn started() -> (Home, Monitor, String) {
    let home = home();
    let monitor = home.start();
    let address = address(&monitor);
    (home, monitor, address)
}

#[test]
fn both_versions_that_are_safe_are_spoken_and_plain_http_is_not() {
    let (home, _monitor, address) = started();
    for version in [&TLS12, &TLS13] {
        let answer = request(&address, &cert(&home), &[version], HEALTH).unwrap();
        assert!(answer.ends_with("{\"status\":\"ok\"}\n"), "{answer}");
    }
    let mut plain = TcpStream::connect(&address).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(HEALTH.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // A client of TLS 1.1 at most: an empty ClientHello of that version.
    let mut old = TcpStream::connect(&address).unwrap();
    old.set_read_timeout(Some(PATIENCE)).unwrap();
    let hello: Vec<u8> = [
        &[22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2][..],
        &[7; 32],
        &[0, 0, 2, 0xc0, 0x13, 1, 0],
    ]
    .concat();
    old.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    let _ = old.read_to_end(&mut answer);
    // An alert and no handshake.
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
}

#[test]
fn whoever_never_agrees_on_tls_is_let_go() {
    let (home, _monitor, address) = started();
    let mut silent = TcpStream::connect(&address).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    silent.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty() && has(&address, &cert(&home)));
}

#[test]
fn a_login_has_a_cookie_that_is_for_tls_only() {
    let (home, _monitor, address) = started();
    let form = format!("token={}", token(&home, "anna", "act"));
    let login = format!(
        "POST /login HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = request(&address, &cert(&home), &[&TLS13], &login).unwrap();
    assert!(
        answer.contains("set-cookie: __Host-annunciator="),
        "{answer}"
    );
    assert!(answer.contains("; Secure;"), "{answer}");
}

#[test]
fn a_certificate_that_is_replaced_is_served_without_a_word() {
    let (home, monitor, address) = started();
    let first = cert(&home);
    let second = certify(&home);
    wait_for("the new certificate", || {
        has(&address, &second).then_some(())
    });
    assert!(!has(&address, &first));
    monitor.wait_for_log("the certificate was read again and is in force");
}

#[test]
fn a_reload_reads_the_certificate_and_keeps_the_old_one_if_that_fails() {
    let (home, monitor, address) = started();
    let second = certify(&home);
    let (status, _, err) = home.hbd(&["reload"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(has(&address, &second));
    fs::write(home.path("cert.pem"), "half a").unwrap();
    let (status, _, err) = home.hbd(&["reload"]);
    let warning = format!(
        "warning: web.tls: the file {} has no certificate: it has to have a part `BEGIN CERTIFICATE`; the certificate that was read before stays\n",
        home.path("cert.pem").display()
    );
    assert_eq!((status, err), (0, warning));
    assert!(has(&address, &second));
    monitor.wait_for_log("has no certificate");
    let third = certify(&home);
    monitor.signal(Signal::HUP);
    wait_for("the third certificate", || {
        has(&address, &third).then_some(())
    });
}

#[test]
fn a_certificate_that_cannot_be_used_is_an_error_of_the_check_and_nothing_is_served_without() {
    let home = home();
    let (status, _, err) = home.hbd(&["check"]);
    assert_eq!((status, err.contains("web.tls")), (0, false), "{err}");
    fs::remove_file(home.path("key.pem")).unwrap();
    let (status, _, err) = home.hbd(&["check"]);
    assert_ne!(status, 0);
    let sentence = format!(
        "error: {}:18:8: web.tls: the file {} cannot be read: No such file or directory",
        home.file(),
        home.path("key.pem").display()
    );
    assert!(err.contains(&sentence), "{sentence}\n{err}");
    let monitor = home.start();
    monitor.wait_for_log("the monitor watches without its web address");
    assert!(!monitor.log().contains("the API is served"));
}
