//! The SMTP stand-in against a raw client: every rule that it must be strict
//! about, and every fault that a test can ask of it.

use std::sync::Arc;
use std::time::Duration;

use annunciator_testkit::smtp::{Certificate, Fault, Mode, Moment, SmtpServer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const MAIL: &str = "From: a@example.com\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nSubject: =?utf-8?q?h=C3=A9?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n..stuffed\r\n.\r\n";

/// A client that says exactly what it is told.
struct Raw<S> {
    stream: BufReader<S>,
}

impl Raw<TcpStream> {
    async fn connect(server: &SmtpServer) -> Self {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    async fn ready(server: &SmtpServer) -> Self {
        let mut raw = Self::connect(server).await;
        assert!(raw.reply().await.starts_with("220 "));
        assert!(raw.say("EHLO client.example\r\n").await.starts_with("250"));
        raw
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// One whole reply; empty if the line was closed.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return reply;
            }
            let last = line.as_bytes().get(3) == Some(&b' ');
            reply.push_str(&line);
            if last {
                return reply;
            }
        }
    }

    async fn say(&mut self, text: &str) -> String {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.reply().await
    }

    /// Says each line and asserts the beginning of its reply.
    async fn check(&mut self, script: &[(&str, &str)]) {
        for (line, expected) in script {
            let reply = self.say(&format!("{line}\r\n")).await;
            assert!(
                reply.starts_with(expected),
                "{line:?} was answered by {reply:?}"
            );
        }
    }
}

fn tls(server: &SmtpServer) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(server.ca_file().unwrap()).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn implicit(
    server: &SmtpServer,
) -> std::io::Result<Raw<tokio_rustls::client::TlsStream<TcpStream>>> {
    let stream = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    Ok(Raw {
        stream: BufReader::new(tls(server).connect(name, stream).await?),
    })
}

#[tokio::test]
async fn when_a_mail_is_sent_properly_it_is_stored_as_it_came() {
    let server = SmtpServer::start().await.unwrap();
    let mut raw = Raw::ready(&server).await;
    raw.check(&[
        ("MAIL FROM:<a@example.com> SIZE=100", "250 2.1.0"),
        ("RCPT TO:<b@example.com>", "250 2.1.5"),
        ("DATA", "354"),
        (MAIL.trim_end(), "250 2.0.0 queued as TK000001"),
        ("QUIT", "221"),
    ])
    .await;
    let mails = server.wait_for(1).await;
    assert_eq!(mails[0].sender, "a@example.com");
    assert_eq!(mails[0].recipients, ["b@example.com"]);
    assert_eq!(mails[0].subject(), "hé");
    assert_eq!(mails[0].text(), ".stuffed\r\n");
    assert_eq!(mails[0].hello, "client.example");
    assert_eq!(server.violations(), Vec::<String>::new());
    assert!(server.wait_until_idle().await);
}

#[tokio::test]
async fn when_commands_come_out_of_order_they_are_refused() {
    let server = SmtpServer::start().await.unwrap();
    let mut raw = Raw::connect(&server).await;
    raw.reply().await;
    raw.check(&[
        ("MAIL FROM:<a@example.com>", "503"),
        ("EHLO", "501"),
        ("EHLO client.example", "250"),
        ("STARTTLS", "502"),
        ("RCPT TO:<b@example.com>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:a@example.com", "501"),
        ("MAIL FROM:<a@example.com>x", "501"),
        ("MAIL FROM:<a@example.com> FUN=1", "555"),
        ("MAIL FROM:<ä@example.com>", "553"),
        ("MAIL FROM:<a@example.com> SIZE=99999999", "552 5.3.4"),
        ("MAIL FROM:<a@example.com>", "250"),
        ("MAIL FROM:<a@example.com>", "503 5.5.1 nested"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<>", "501"),
        ("RCPT TO:<nobody>", "501"),
        ("RCPT TO:<a b@example.com>", "501"),
        ("RSET", "250"),
        ("RCPT TO:<b@example.com>", "503"),
        ("NOOP", "250"),
        ("WHAT", "500"),
    ])
    .await;
    let long = format!("MAIL FROM:<{}@example.com>", "a".repeat(65));
    raw.check(&[(long.as_str(), "501 5.1.3")]).await;
    assert!(server.violations().contains(&"nested MAIL".to_owned()));
}

#[tokio::test]
async fn when_lines_are_malformed_the_mail_is_refused() {
    for (content, expected, violation) in [
        (
            "From: a\nDate: b\r\n\r\nx\r\n.\r\n".to_owned(),
            "550",
            "CR LF",
        ),
        (
            format!("From: a\r\nDate: b\r\n\r\n{}\r\n.\r\n", "x".repeat(999)),
            "500",
            "1001 octets",
        ),
        ("From: a\r\n\r\n.x\r\n.\r\n".to_owned(), "250", "single dot"),
        ("From: a\r\n\r\nx\r\n.\r\n".to_owned(), "250", "Date"),
        (
            "From: a\r\nDate: b\r\nSubject: ä\r\n\r\nx\r\n.\r\n".to_owned(),
            "250",
            "8-bit",
        ),
        (
            "From: a\r\nDate: b\r\nSubject: a\r\nSubject: b\r\n\r\nx\r\n.\r\n".to_owned(),
            "250",
            "2 Subject",
        ),
    ] {
        let server = SmtpServer::start().await.unwrap();
        let mut raw = Raw::ready(&server).await;
        raw.check(&[
            ("MAIL FROM:<a@example.com>", "250"),
            ("RCPT TO:<b@example.com>", "250"),
            ("DATA", "354"),
        ])
        .await;
        let reply = raw.say(&content).await;
        assert!(reply.starts_with(expected), "{content:?}: {reply}");
        let violations = server.violations().join("\n");
        assert!(violations.contains(violation), "{content:?}: {violations}");
    }
    let server = SmtpServer::start().await.unwrap();
    let mut raw = Raw::ready(&server).await;
    assert!(raw.say("NOOP\n").await.starts_with("500"));
}

#[tokio::test]
async fn when_recipients_have_verdicts_each_gets_its_own() {
    let server = SmtpServer::builder()
        .refuse("gone@example.com", 550, "5.1.1 no such user")
        .refuse_times("grey@example.com", 450, "4.7.1 try later", 1)
        .recipients_max(2)
        .start()
        .await
        .unwrap();
    let mut raw = Raw::ready(&server).await;
    raw.check(&[
        ("MAIL FROM:<a@example.com>", "250"),
        ("RCPT TO:<gone@example.com>", "550 5.1.1"),
        ("RCPT TO:<grey@example.com>", "450 4.7.1"),
        ("RCPT TO:<grey@example.com>", "250"),
        ("RCPT TO:<c@example.com>", "250"),
        ("RCPT TO:<d@example.com>", "452 4.5.3"),
    ])
    .await;
}

#[tokio::test]
async fn when_credentials_are_wanted_each_mechanism_tells_right_from_wrong() {
    let right = STANDARD.encode("\0u\0s3cret");
    let wrong = STANDARD.encode("\0u\0guess");
    let (user, secret, guess) = (
        STANDARD.encode("u"),
        STANDARD.encode("s3cret"),
        STANDARD.encode("guess"),
    );
    let token = STANDARD.encode("user=u\x01auth=Bearer s3cret\x01\x01");
    let no_token = STANDARD.encode("user=u\x01auth=Bearer no\x01\x01");
    let scripts = [
        vec![(format!("AUTH PLAIN {right}"), "235")],
        vec![(format!("AUTH PLAIN {wrong}"), "535 5.7.8")],
        vec![("AUTH PLAIN".to_owned(), "334 "), (right.clone(), "235")],
        vec![
            ("AUTH LOGIN".to_owned(), "334 VXNl"),
            (user.clone(), "334 UGFz"),
            (secret, "235"),
            (format!("AUTH PLAIN {right}"), "503"),
        ],
        vec![
            ("AUTH LOGIN".to_owned(), "334"),
            (user, "334"),
            (guess, "535"),
            ("MAIL FROM:<a@example.com>".to_owned(), "530 5.7.0"),
        ],
        vec![(format!("AUTH XOAUTH2 {token}"), "235")],
        vec![
            (format!("AUTH XOAUTH2 {no_token}"), "334"),
            (String::new(), "535"),
        ],
        vec![("AUTH CRAM-MD5".to_owned(), "504")],
    ];
    for script in scripts {
        let server = SmtpServer::builder()
            .credentials("u", "s3cret")
            .auth_in_clear()
            .start()
            .await
            .unwrap();
        let mut raw = Raw::ready(&server).await;
        for (line, expected) in &script {
            raw.check(&[(line, expected)]).await;
        }
        assert!(server.counts().auth_attempts >= 1);
        assert!(!server.commands().join(" ").contains(&right));
    }
    let server = SmtpServer::builder()
        .credentials("u", "s3cret")
        .start()
        .await
        .unwrap();
    let mut raw = Raw::ready(&server).await;
    let line = format!("AUTH PLAIN {right}");
    raw.check(&[(&line, "538 5.7.11")]).await;
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test]
async fn when_starttls_is_offered_the_session_begins_anew_behind_it() {
    let server = SmtpServer::builder()
        .mode(Mode::StartTls)
        .credentials("u", "s")
        .start()
        .await
        .unwrap();
    let mut raw = Raw::ready(&server).await;
    raw.check(&[("STARTTLS", "220")]).await;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = tls(&server)
        .connect(name, raw.stream.into_inner())
        .await
        .unwrap();
    let mut raw = Raw {
        stream: BufReader::new(stream),
    };
    raw.check(&[("MAIL FROM:<a@example.com>", "503")]).await;
    let hello = raw.say("EHLO client.example\r\n").await;
    assert!(
        hello.contains("AUTH PLAIN") && !hello.contains("STARTTLS"),
        "{hello}"
    );
    raw.check(&[("STARTTLS", "503"), ("MAIL FROM:<a@example.com>", "530")])
        .await;
}

#[tokio::test]
async fn when_the_certificate_is_bad_a_client_that_checks_goes_away() {
    for (certificate, word) in [
        (Certificate::Expired, "Expired"),
        (Certificate::WrongName, "NotValidForName"),
    ] {
        let server = SmtpServer::builder()
            .mode(Mode::ImplicitTls)
            .certificate(certificate)
            .start()
            .await
            .unwrap();
        let error = implicit(&server).await.err().unwrap();
        let text = format!("{error:?}");
        assert!(text.contains(word), "{text}");
    }
    let server = SmtpServer::builder()
        .mode(Mode::ImplicitTls)
        .start()
        .await
        .unwrap();
    let mut raw = implicit(&server).await.unwrap();
    assert!(raw.reply().await.starts_with("220"));
}

#[tokio::test]
async fn when_a_client_certificate_is_wanted_none_is_not_enough() {
    let server = SmtpServer::builder()
        .mode(Mode::ImplicitTls)
        .require_client_certificate()
        .start()
        .await
        .unwrap();
    // TLS 1.3 tells the client with the first read.
    let mut raw = implicit(&server).await.unwrap();
    assert_eq!(raw.reply().await, "");
    assert!(server.client_files().is_some());
}

#[tokio::test]
async fn when_a_fault_is_set_it_strikes_at_its_moment_and_once() {
    let server = SmtpServer::start().await.unwrap();
    server.fault(Fault::reply(Moment::Greeting, 554, "5.7.1 go away"));
    let mut raw = Raw::connect(&server).await;
    assert!(raw.reply().await.starts_with("554"));

    server.fault(Fault::reply(Moment::Mail, 421, "4.3.2 closing"));
    server.fault(Fault::slow(Moment::Noop, Duration::from_millis(1)));
    let mut raw = Raw::ready(&server).await;
    raw.check(&[("NOOP", "250"), ("MAIL FROM:<a@example.com>", "421")])
        .await;
    assert_eq!(raw.reply().await, "");

    for (fault, expected, stored) in [
        (Fault::reply(Moment::Dot, 451, "4.3.0 later"), "451", 0),
        (Fault::reply(Moment::Dot, 554, "5.6.0 never"), "554", 0),
        (Fault::drop(Moment::Dot), "", 0),
        (Fault::DropAfterStoring, "", 1),
    ] {
        let server = SmtpServer::start().await.unwrap();
        server.fault(fault.clone());
        let mut raw = Raw::ready(&server).await;
        raw.check(&[
            ("MAIL FROM:<a@example.com>", "250"),
            ("RCPT TO:<b@example.com>", "250"),
            ("DATA", "354"),
        ])
        .await;
        let reply = raw.say(MAIL).await;
        assert_eq!(reply.get(..3).unwrap_or_default(), expected, "{fault:?}");
        assert_eq!(server.messages().len(), stored, "{fault:?}");
    }

    server.always(Fault::reply(Moment::Quit, 500, "5.0.0 no"));
    for _ in 0..2 {
        let mut raw = Raw::ready(&server).await;
        raw.check(&[("QUIT", "500")]).await;
    }
    server.heal();
    let mut raw = Raw::ready(&server).await;
    raw.check(&[("QUIT", "221")]).await;
}
